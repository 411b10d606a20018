// The most memory that the aggregator's process ever had, as the kernel counts it, in rounds of 3,
// 10 and 30 participants: beside the sum and what the plan lets wait.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/plan/plan.h"
#include "tests/bench/bench.h"
#include "tests/bench/kit/submitted_rounds.h"

namespace sealfold::bench {
namespace {

constexpr uint64_t kStagedMax = 8;  // updates
constexpr double kMegabyte = 1e6;

absl::Status BenchPeakMemory(const Report& report) {
  const uint64_t elements = report.options().tiny ? 1 << 16 : 20'000'000;  // F32: 80 MB
  Plan plan;
  plan.tensors = {{.name = "bulk", .dtype = Dtype::kF32, .shape = {elements}}};
  const uint64_t update_bytes = SealedUpdateBytes(plan);
  for (const uint64_t participants : {uint64_t{3}, uint64_t{10}, uint64_t{30}}) {
    if (report.options().tiny && participants > 3) break;
    SubmittedRounds rounds({.participants = participants,
                            .elements = elements,
                            .staged_bytes = kStagedMax * update_bytes});
    SEALFOLD_ASSIGN_OR_RETURN(const RoundFacts facts, rounds.Once());
    const uint64_t staged = std::min(participants, kStagedMax) * update_bytes;
    report.Line("peak_memory", "MB",
                {{static_cast<double>(facts.aggregator_peak_bytes) / kMegabyte}},
                absl::StrCat("8 bytes an element of the model, and what may be staged: up to ",
                             kStagedMax, " sealed updates"),
                {{static_cast<double>(elements * sizeof(int64_t) + staged) / kMegabyte}},
                {.where = {{"participants", participants}},
                 .goal = Goal{.kind = Goal::Kind::kAtMost, .ratio = 1.1}});
  }
  return absl::OkStatus();
}

const Registration kRegistration("fold/peak_memory",
                                 "the aggregator's memory with 3, 10 and 30 participants",
                                 &BenchPeakMemory);

}  // namespace
}  // namespace sealfold::bench
