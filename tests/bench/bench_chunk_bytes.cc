// Opening, checking and folding in chunks of other sizes than the one that a plan has by itself.
#include <algorithm>
#include <memory>
#include <vector>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "tests/bench/bench.h"
#include "tests/bench/kit/staged_updates.h"

namespace sealfold::bench {
namespace {

constexpr size_t kUpdates = 8;
constexpr uint64_t kChunkBytes[] = {4 << 10,   16 << 10,  32 << 10, 64 << 10,
                                    128 << 10, 256 << 10, 1 << 20};

absl::Status BenchChunkBytes(const Report& report) {
  const uint64_t elements = report.options().tiny ? 1 << 18 : 4 << 20;  // 16 MiB an update
  const OneCore one_core;
  CallingThread calling_thread;
  std::vector<std::unique_ptr<StagedUpdates>> staged;
  std::vector<std::vector<ColumnScratch>> scratch;
  for (const uint64_t chunk_bytes : kChunkBytes) {
    SEALFOLD_ASSIGN_OR_RETURN(staged.emplace_back(),
                              StagedUpdates::Make(kUpdates, elements, chunk_bytes));
    SEALFOLD_ASSIGN_OR_RETURN(scratch.emplace_back(),
                              ScratchFor(calling_thread, staged.back()->maker.plan()));
  }
  std::vector<Timed> competitors;
  for (size_t i = 0; i < staged.size(); ++i) {
    competitors.push_back(staged[i]->Fold(calling_thread, absl::MakeSpan(scratch[i])));
  }
  const std::vector<Samples> rates = MeasureRates(report.options(), Clock::kThreadCpu, competitors);
  const auto* const usual =
      std::find(std::begin(kChunkBytes), std::end(kChunkBytes), Plan().chunk_bytes);
  SEALFOLD_CHECK(usual != std::end(kChunkBytes));
  for (size_t i = 0; i < rates.size(); ++i) {
    report.Line("chunk_bytes", "GB/s", rates[i],
                absl::StrCat("the same in chunks of ", *usual, " bytes, as a plan has by itself"),
                rates[static_cast<size_t>(usual - kChunkBytes)],
                {.where = {{"chunk_bytes", kChunkBytes[i]}}});
  }
  return absl::OkStatus();
}

const Registration kRegistration("fold/chunk_bytes", "opening and folding in chunks of other sizes",
                                 &BenchChunkBytes);

}  // namespace
}  // namespace sealfold::bench
