// A host's run over a folder and an aggregator at the other end of its link, message by message,
// for tests.
#ifndef SEALFOLD_AGGREGATOR_HOST_TESTING_FEDERATION_H_
#define SEALFOLD_AGGREGATOR_HOST_TESTING_FEDERATION_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aggregator/host/run/run.h"
#include "aggregator/host/testing/run_folder.h"

namespace sealfold::testing {

// A host process over a folder, and an aggregator process at the other end of its link, as far as
// the host can tell.
class Federation {
 public:
  explicit Federation(const RunFolder& folder) : folder_(folder) { RestartHost(); }

  void RestartHost() {
    run_.reset();
    store_.reset();
    store_ = folder_.Open();
    run_ = std::make_unique<Run>(*store_, 1000);
    now_ms_ = 0;
  }

  Run& run() { return *run_; }
  RunStore& store() { return *store_; }
  uint64_t& now_ms() { return now_ms_; }

  // Does `event` and returns the types of what goes to the aggregator.
  std::vector<std::string> After(const std::function<void(RunOutput&)>& event) {
    RunOutput out;
    event(out);
    sent_ = std::move(out.to_aggregator);
    close_answer_ = out.close_answer;
    std::vector<std::string> types;
    for (const Message& message : sent_) types.push_back(*cbor::PeekType(message.head));
    return types;
  }
  template <class M>
  std::vector<std::string> Tell(const M& message, SharedBytes bulk = {}) {
    return After(
        [&](RunOutput& out) { run_->OnAggregatorMessage(ToMessage(message, bulk), now_ms_, out); });
  }
  std::vector<std::string> Launch() {
    return After([&](RunOutput& out) { EXPECT_TRUE(run_->Launch(out).ok()); });
  }
  std::vector<std::string> Connect() {
    return After([&](RunOutput& out) { run_->OnAggregatorConnected(out); });
  }
  std::vector<std::string> Tick() {
    return After([&](RunOutput& out) { run_->OnTick(now_ms_, out); });
  }
  // An aggregator in no round.
  std::vector<std::string> TellNone() { return Tell(Ready{.version = "1", .plan = {}}); }
  std::vector<std::string> TellIn(uint64_t round, uint64_t attempt) {
    return Tell(
        Ready{.version = "1", .plan = folder_.plan().digest, .round = round, .attempt = attempt});
  }
  std::vector<std::string> TellState(uint64_t round, uint64_t attempt, uint64_t updates) {
    RoundState state = {
        .round = Round(round), .attempt = Attempt(attempt), .updates = updates, .committed = {}};
    for (uint64_t i = 0; i < updates; ++i) {
      state.committed.push_back(ParticipantKey(static_cast<uint8_t>(i)).public_key());
    }
    return Tell(state);
  }

  // What happens once the aggregator has all updates, step by step.
  std::vector<std::function<void()>> PublishingSteps(uint64_t round, uint64_t attempt) {
    const Bytes model = ModelBytes(folder_.plan().plan, round);
    std::vector<std::function<void()>> steps;
    steps.emplace_back([this, round, attempt] { TellState(round, attempt, 3); });
    steps.emplace_back([this] { Tell(WantBase{.offset = 0, .length = kPartBytesMax}); });
    const auto middle = model.begin() + static_cast<ptrdiff_t>(model.size() / 2);
    steps.emplace_back(
        [this, part = Bytes(model.begin(), middle)] { Tell(ModelPart{.offset = 0}, part); });
    steps.emplace_back([this, offset = model.size() / 2, part = Bytes(middle, model.end())] {
      Tell(ModelPart{.offset = offset}, part);
    });
    steps.emplace_back([this, round, attempt] { Finish(round, attempt); });
    return steps;
  }
  std::vector<std::string> Finish(uint64_t round, uint64_t attempt) {
    std::optional<Bytes> previous;
    if (round > 1)
      previous = ToBytes(AsBytes(folder_.Read(absl::StrCat("record-", round - 1, ".cbor"))));
    return Tell(Finished{.round = Round(round)}, folder_.RecordBytes(round, attempt, previous));
  }
  void Publish(uint64_t round, uint64_t attempt) {
    for (const auto& step : PublishingSteps(round, attempt)) step();
  }

  const std::vector<Message>& sent() const { return sent_; }
  const std::optional<absl::Status>& close_answer() const { return close_answer_; }
  StartRound sent_start() const { return *cbor::DecodeFields<StartRound>(sent_.back().head); }

 private:
  const RunFolder& folder_;
  std::unique_ptr<RunStore> store_;
  std::unique_ptr<Run> run_;
  uint64_t now_ms_ = 0;
  std::vector<Message> sent_;
  std::optional<absl::Status> close_answer_;
};

using Types = std::vector<std::string>;

inline RefusedMessage Refusal(const std::string& code) {
  return RefusedMessage::Of(Refused({.code = code, .what = "something"}));
}

class RunTest : public ::testing::Test {
 protected:
  // Launched, with an aggregator that was told to start round 1, attempt 1.
  void Begin(const Types& told = {"start"}) {
    f_.Launch();
    f_.Connect();
    ASSERT_EQ(f_.TellNone(), told);
  }
  RunFolder folder_;
  Federation f_{folder_};
};

}  // namespace sealfold::testing

#endif  // SEALFOLD_AGGREGATOR_HOST_TESTING_FEDERATION_H_
