// What one participant more costs the aggregator's core, in rounds of 1 to 10 000 small ones:
// hello, evidence's binding, begin, five chunks of 4 KiB, the fold, the receipt, and its part of
// finishing the round. Sealing is not timed, nor is there a platform: evidence is the test kit's.
// One core. Beside a straight line through all sizes: a cost for each round and one for each
// participant.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_format.h"
#include "aggregator/core/testing/sample_host.h"
#include "protocol/base/error.h"
#include "tests/bench/bench.h"
#include "tests/bench/kit/line_fit.h"

namespace sealfold::bench {
namespace {

constexpr int kRepeatsMax = 3;
constexpr size_t kBatch = 8;
constexpr double kMicro = 1e6;

testing::SampleRun MakeRun(size_t participants) {
  constexpr size_t kSampleLeast = 2;
  testing::SampleRun run = testing::SampleRun::Make(std::max(kSampleLeast, participants));
  while (run.parties.size() > participants) run.parties.pop_back();
  run.plan.participants.resize(participants);
  run.plan.quorum = 1;
  run.plan.staging_bytes_max = 2 * kBatch * SealedUpdateBytes(run.plan);
  run.Sign();
  return run;
}

// Counts the time in which its calls run.
class Stopwatch {
 public:
  template <class F>
  void Time(const F& call) {
    const double start = NowSeconds(Clock::kThreadCpu);
    call();
    seconds_ += NowSeconds(Clock::kThreadCpu) - start;
  }
  double seconds() const { return seconds_; }

 private:
  double seconds_ = 0;
};

// The core's seconds for a whole round.
double RoundSeconds(const testing::SampleRun& run, const testing::SampleUpdate& update) {
  Stopwatch watch;
  std::optional<testing::SampleHost> host;
  watch.Time([&] { host.emplace(run); });
  const auto fold = [&] {
    host->fold_at_once = true;
    host->Tick(host->round->next_tick_ms());
    host->fold_at_once = false;
  };
  host->fold_at_once = false;
  for (size_t party = 0; party < run.parties.size(); ++party) {
    const Message hello = host->HelloOf(party);
    std::vector<Message> answers;
    watch.Time([&] { answers = host->Say(party, hello); });
    SEALFOLD_CHECK(answers.size() == 1);
    const Offer offer = testing::As<Offer>(answers[0]);
    const std::vector<Message> upload =
        testing::SealUpload(run, party, offer, update, testing::SeedOf("participant's", party));
    watch.Time([&] {
      for (const Message& message : upload) host->Say(party, message);
      if (host->round->folding() >= kBatch) fold();
    });
  }
  if (host->round->folding() > 0) watch.Time(fold);
  host->fold_at_once = true;
  // A round that everybody is in ends by itself; the record is there then.
  if (!host->record_file.has_value()) watch.Time([&] { host->Close(); });
  SEALFOLD_CHECK(host->record_file.has_value());
  return watch.seconds();
}

absl::Status BenchCostPerParticipant(const Report& report) {
  const OneCore one_core;
  std::vector<size_t> sizes = {1, 10, 100};
  if (!report.options().tiny) sizes.insert(sizes.end(), {1000, 10'000});
  std::vector<testing::SampleRun> runs;
  std::vector<testing::SampleUpdate> updates;
  for (const size_t size : sizes) {
    runs.push_back(MakeRun(size));
    updates.push_back(runs.back().MakeUpdate(1));
  }
  std::vector<Samples> seconds(sizes.size());
  // In turns: a machine whose speed changes is as fast in one size as in another.
  for (int repeat = 0; repeat < std::min(kRepeatsMax, report.options().repeats); ++repeat) {
    for (size_t i = 0; i < sizes.size(); ++i) {
      double sum = 0;
      double rounds = 0;
      do {
        sum += RoundSeconds(runs[i], updates[i]);
        ++rounds;
      } while (sum < report.options().seconds);
      seconds[i].values.push_back(sum / rounds);
    }
  }
  std::vector<FitPoint> points;
  for (size_t i = 0; i < sizes.size(); ++i) {
    points.push_back({static_cast<double>(sizes[i]), seconds[i].Median()});
  }
  const FittedLine line = FitLine(points);
  const std::string against =
      absl::StrFormat("straight line through all sizes: %.1f us a round and %.1f us a participant",
                      line.constant * kMicro, line.slope * kMicro);
  for (size_t i = 0; i < sizes.size(); ++i) {
    const auto participants = static_cast<double>(sizes[i]);
    Samples cost;
    for (const double s : seconds[i].values) cost.values.push_back(s / participants * kMicro);
    report.Line("cost_per_participant", "us/participant", cost, against,
                {{line.At(participants) / participants * kMicro}},
                {.where = {{"participants", sizes[i]}},
                 .goal = Goal{.kind = Goal::Kind::kWithin, .ratio = 0.1}});
  }
  return absl::OkStatus();
}

const Registration kRegistration("fold/cost_per_participant",
                                 "a participant's cost in rounds of 1 to 10 000",
                                 &BenchCostPerParticipant);

}  // namespace
}  // namespace sealfold::bench
