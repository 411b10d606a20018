// What a thousand connections cost that say nothing: a round with them beside the same without, and
// the coordinator's memory and processor time for them.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "tests/bench/bench.h"
#include "tests/bench/kit/submitted_rounds.h"

namespace sealfold::bench {
namespace {

constexpr int kRepeatsMax = 3;

absl::Status BenchRoundIdle(const Report& report) {
  const uint64_t idle = report.options().tiny ? 10 : 1000;
  const RoundShape shape{.participants = report.options().tiny ? size_t{3} : size_t{10},
                         .elements = report.options().tiny ? uint64_t{1} << 12 : 2'500'000};
  RoundShape crowded = shape;
  crowded.idle_connections = idle;
  crowded.idle_seconds = report.options().tiny ? 0.6 : 5;  // more than one turn of its loop
  SubmittedRounds alone(shape);
  SubmittedRounds among(crowded);
  Samples alone_seconds;
  Samples among_seconds;
  Samples kilobytes;
  Samples coordinator_kilobytes;
  Samples cpu;
  for (int repeat = 0; repeat < std::min(kRepeatsMax, report.options().repeats); ++repeat) {
    SEALFOLD_ASSIGN_OR_RETURN(const RoundFacts without, alone.Once());
    SEALFOLD_ASSIGN_OR_RETURN(const RoundFacts with, among.Once());
    alone_seconds.values.push_back(without.seconds);
    among_seconds.values.push_back(with.seconds);
    kilobytes.values.push_back(static_cast<double>(with.idle_bytes) / 1e3);
    coordinator_kilobytes.values.push_back(static_cast<double>(with.coordinator_bytes) / 1e3);
    cpu.values.push_back(with.idle_cpu_share);
  }
  const LineExtra extra{.where = {{"connections", idle}}};
  report.Line("idle_round", "s", among_seconds, "the same round without them, same run",
              alone_seconds, extra);
  report.Line("idle_memory", "kB", kilobytes, "the coordinator's memory before they came",
              coordinator_kilobytes, extra);
  report.Line("idle_cpu", "cores", cpu, "one core", {{1}}, extra);
  return absl::OkStatus();
}

const Registration kRegistration("round/idle", "what a thousand connections cost that say nothing",
                                 &BenchRoundIdle);

}  // namespace
}  // namespace sealfold::bench
