#include "aggregator/host/run/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "aggregator/host/testing/run_folder.h"

namespace sealfold {
namespace {

using testing::ExamplePlan;
using ::testing::HasSubstr;
using testing::ModelBytes;
using testing::RunFolder;

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
  std::vector<std::string> Tell(const M& message, Bytes bulk = {}) {
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
      state.committed.push_back(testing::ParticipantKey(static_cast<uint8_t>(i)).public_key());
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

RefusedMessage Refusal(const std::string& code) {
  return RefusedMessage::Of(Refused({.code = code, .what = "something"}));
}

class RunTest : public ::testing::Test {
 protected:
  // Launched, with an aggregator that was told to start round 1, attempt 1.
  void Begin() {
    f_.Launch();
    f_.Connect();
    ASSERT_EQ(f_.TellNone(), Types{"start"});
  }
  RunFolder folder_;
  Federation f_{folder_};
};

TEST_F(RunTest, WaitsForLaunchAndForAnAggregatorInEitherOrder) {
  EXPECT_EQ(f_.run().status().phase, RunPhase::kIdle);
  EXPECT_EQ(f_.Connect(), Types{"inspect"});
  EXPECT_EQ(f_.TellNone(), Types{});
  EXPECT_EQ(f_.Launch(), Types{"start"});
  EXPECT_EQ(f_.Launch(), Types{}) << "a second launch changes nothing";

  RunFolder other;
  Federation g(other);
  EXPECT_EQ(g.Launch(), Types{});
  EXPECT_EQ(g.run().status().detail, "waits for the aggregator");
  EXPECT_EQ(g.Connect(), Types{"inspect"});
  EXPECT_EQ(g.TellNone(), Types{"start"});
}

TEST_F(RunTest, AnAttemptIsOnDiskBeforeItIsSent) {
  f_.Launch();
  f_.Connect();
  RunOutput out;
  f_.run().OnAggregatorMessage(ToMessage(Ready{.version = "1", .plan = {}}), 0, out);
  ASSERT_EQ(out.to_aggregator.size(), 1u);
  EXPECT_THAT(folder_.Read("run.json"), HasSubstr("\"attempt\": 1"));
  const StartRound start = *cbor::DecodeFields<StartRound>(out.to_aggregator[0].head);
  EXPECT_EQ(start.plan, folder_.plan().bytes);
  EXPECT_EQ(start.round, Round(1));
  EXPECT_EQ(start.attempt, Attempt(1));
  EXPECT_FALSE(start.previous.has_value());
}

TEST_F(RunTest, AStateThatCannotBeSavedSendsNothingAndEndsTheProgram) {
  f_.Launch();
  f_.Connect();
  // A folder where the temporary file should go makes every write fail, for root too.
  std::filesystem::create_directory(folder_.Path(absl::StrCat("run.json.", getpid(), ".tmp")));
  EXPECT_EQ(f_.TellNone(), Types{});
  EXPECT_EQ(ErrorCode(f_.run().broken()), "file_unusable");
  EXPECT_EQ(f_.TellNone(), Types{});
}

TEST_F(RunTest, GoesThroughAllRoundsByItself) {
  Begin();
  uint64_t version = f_.run().status().version;
  for (uint64_t round = 1; round <= 3; ++round) {
    for (const auto& step : f_.PublishingSteps(round, 1)) {
      EXPECT_EQ(f_.run().status().records, round - 1);
      EXPECT_FALSE(folder_.Has(absl::StrCat("model-", round, ".safetensors")));
      step();
    }
    EXPECT_EQ(f_.run().status().records, round);
    EXPECT_EQ(folder_.Read(absl::StrCat("model-", round, ".safetensors")),
              AsText(ModelBytes(folder_.plan().plan, round)));
    EXPECT_FALSE(folder_.Has(absl::StrCat("model-", round, ".part")));
    EXPECT_GT(f_.run().status().version, version);
    version = f_.run().status().version;
    if (round < 3) {
      ASSERT_EQ(f_.sent().size(), 1u);
      const RecordFile file =
          *DecodeRecordFile(AsBytes(folder_.Read(absl::StrCat("record-", round, ".cbor"))));
      EXPECT_EQ(f_.sent_start().previous, file.record);
      EXPECT_EQ(f_.sent_start().round, Round(round + 1));
    }
  }
  EXPECT_EQ(f_.run().status().phase, RunPhase::kDone);
  EXPECT_TRUE(f_.sent().empty());
}

// Kills the host after each step of a round, with the aggregator alive or dead, and lets the run go
// on.
TEST_F(RunTest, KilledAtAnyStepItComesBackAndEndsWithTheSameModels) {
  const size_t steps = f_.PublishingSteps(1, 1).size() + 4;
  for (size_t killed_after = 0; killed_after <= steps; ++killed_after) {
    for (bool aggregator_alive : {true, false}) {
      SCOPED_TRACE(
          absl::StrCat("killed after step ", killed_after, aggregator_alive ? "" : ", both"));
      Plan plan = ExamplePlan();
      plan.rounds = 2;
      RunFolder folder(plan);
      Federation f(folder);
      std::vector<std::function<void()>> all = {[&] { f.Launch(); }, [&] { f.Connect(); },
                                                [&] { f.TellNone(); },
                                                [&] { f.TellState(1, 1, 0); }};
      for (auto& step : f.PublishingSteps(1, 1)) all.push_back(step);
      for (size_t i = 0; i < killed_after; ++i) all[i]();
      const RunState before = f.store().state();
      const uint64_t records = f.store().records();

      f.RestartHost();
      EXPECT_EQ(f.store().state(), before);
      EXPECT_EQ(f.store().records(), records);
      if (before.phase == RunPhase::kIdle) f.Launch();
      EXPECT_EQ(f.Connect(), Types{"inspect"});
      uint64_t attempt = before.attempt;
      if (aggregator_alive && before.attempt > 0) {
        EXPECT_EQ(f.TellIn(before.round, before.attempt), Types{});
      } else {
        EXPECT_EQ(f.TellNone(), Types{"start"});
        ++attempt;
      }
      EXPECT_EQ(f.store().state().attempt, attempt);
      for (uint64_t round = records + 1; round <= 2; ++round) {
        f.Publish(round, round == records + 1 ? attempt : 1);
      }
      EXPECT_EQ(f.run().status().phase, RunPhase::kDone);
      EXPECT_EQ(folder.Read("model-2.safetensors"), AsText(ModelBytes(folder.plan().plan, 2)));
    }
  }
}

TEST_F(RunTest, UsesUpItsAttemptsThenFailsForGood) {
  Begin();
  for (uint64_t attempt = 1; attempt <= 2; ++attempt) {
    EXPECT_EQ(f_.Tell(Failed{.round = Round(1),
                             .attempt = Attempt(attempt),
                             .code = "quorum_missing",
                             .reason = "few"}),
              Types{"start"});
    EXPECT_EQ(f_.sent_start().attempt, Attempt(attempt + 1));
  }
  EXPECT_EQ(
      f_.Tell(Failed{
          .round = Round(1), .attempt = Attempt(3), .code = "quorum_missing", .reason = "few"}),
      Types{});
  for (bool restarted : {false, true}) {
    if (restarted) f_.RestartHost();
    EXPECT_EQ(f_.run().status().phase, RunPhase::kFailed);
    EXPECT_THAT(f_.run().status().detail, HasSubstr("few [quorum_missing]"));
    EXPECT_THAT(f_.run().status().detail, HasSubstr("new plan"));
    RunOutput out;
    EXPECT_EQ(ErrorCode(f_.run().Launch(out)), "run_failed");
    f_.Connect();
    EXPECT_EQ(f_.TellNone(), Types{});
  }
}

TEST_F(RunTest, EachLostAggregatorCostsAnAttempt) {
  Begin();
  for (uint64_t attempt = 2; attempt <= 3; ++attempt) {
    f_.Connect();
    EXPECT_EQ(f_.TellNone(), Types{"start"});
    EXPECT_EQ(f_.sent_start().attempt, Attempt(attempt));
  }
  f_.Connect();
  EXPECT_EQ(f_.TellNone(), Types{});
  EXPECT_EQ(f_.run().status().phase, RunPhase::kFailed);
}

TEST_F(RunTest, AStaleAggregatorIsGivenTheNextAttempt) {
  Begin();
  f_.Publish(1, 1);  // round 2, attempt 1 under way
  f_.Connect();
  EXPECT_EQ(f_.TellIn(1, 1), Types{"start"}) << "in a round that is over";
  EXPECT_EQ(f_.sent_start().attempt, Attempt(2));
  f_.Connect();
  EXPECT_EQ(f_.TellIn(2, 1), Types{"start"}) << "in an attempt that is over";
  EXPECT_EQ(f_.sent_start().attempt, Attempt(3));
}

TEST_F(RunTest, AnAggregatorOfAnotherPlanIsGivenTheNextAttempt) {
  Begin();
  f_.Connect();
  EXPECT_EQ(
      f_.Tell(Ready{.version = "1", .plan = Sha256(AsBytes("other")), .round = 1, .attempt = 1}),
      Types{"start"});
  EXPECT_EQ(f_.sent_start().attempt, Attempt(2));
}

TEST_F(RunTest, AnAttemptBeyondOurNoteIsNeverReused) {
  Begin();
  f_.Connect();
  EXPECT_EQ(f_.TellIn(1, 2), Types{"start"});
  EXPECT_EQ(f_.sent_start().attempt, Attempt(3));
}

TEST_F(RunTest, WhatIsToldUnaskedIsAskedAgain) {
  Begin();
  // It announced itself twice before it read the start.
  EXPECT_EQ(f_.TellNone(), Types{"inspect"});
  EXPECT_EQ(f_.TellIn(1, 1), Types{});
  EXPECT_EQ(f_.store().state().attempt, 1u);
}

TEST_F(RunTest, AStartThatIsRefusedIsTriedAgainLater) {
  Begin();
  f_.now_ms() = 100;
  EXPECT_EQ(f_.Tell(Refusal("memory_short")), Types{});
  EXPECT_THAT(f_.run().status().detail, HasSubstr("memory_short"));
  EXPECT_EQ(f_.Tick(), Types{});
  f_.now_ms() = 10'000;
  EXPECT_EQ(f_.Tick(), Types{"start"});
  EXPECT_EQ(f_.sent_start().attempt, Attempt(2));
}

TEST_F(RunTest, OldNewsChangesNothing) {
  Begin();
  EXPECT_EQ(
      f_.Tell(Failed{.round = Round(1), .attempt = Attempt(9), .code = "replaced", .reason = ""}),
      Types{});
  EXPECT_EQ(
      f_.Tell(Failed{.round = Round(2), .attempt = Attempt(1), .code = "replaced", .reason = ""}),
      Types{});
  f_.TellState(1, 2, 3);
  EXPECT_EQ(f_.run().status().updates, 0u);
  EXPECT_EQ(f_.Tell(Finished{.round = Round(2)}, folder_.RecordBytes(2, 1, std::nullopt)), Types{});
  EXPECT_EQ(f_.store().state().attempt, 1u);
  f_.TellState(1, 1, 2);
  EXPECT_EQ(f_.run().status().updates, 2u);
  EXPECT_EQ(f_.run().committed().size(), 2u);
}

TEST(RunBase, TheModelOfTheRoundBeforeInPartsAndNoMore) {
  RunFolder folder(ExamplePlan(3, 40'000));
  Federation f(folder);
  f.Launch();
  f.Connect();
  f.TellNone();
  f.Publish(1, 1);
  const Bytes base = ModelBytes(folder.plan().plan, 1);
  ASSERT_GT(base.size(), kPartBytesMax);
  ASSERT_EQ(f.Tell(WantBase{.offset = 8, .length = 100}), Types{"base"});
  EXPECT_EQ(f.sent()[0].bulk, Bytes(base.begin() + 8, base.begin() + 108));
  EXPECT_EQ(cbor::DecodeFields<Base>(f.sent()[0].head)->offset, 8u);
  ASSERT_EQ(f.Tell(WantBase{.offset = 0, .length = uint64_t{1} << 60}), Types{"base"});
  EXPECT_EQ(f.sent()[0].bulk.size(), kPartBytesMax);
  ASSERT_EQ(f.Tell(WantBase{.offset = base.size() - 3, .length = 100}), Types{"base"});
  EXPECT_EQ(f.sent()[0].bulk.size(), 3u);
  EXPECT_EQ(f.Tell(WantBase{.offset = base.size() + 1, .length = 100}), Types{});
  EXPECT_TRUE(f.run().broken().ok());
}

TEST_F(RunTest, AModelWithAHoleIsNotPublished) {
  Begin();
  const auto steps = f_.PublishingSteps(1, 1);
  ASSERT_EQ(steps.size(), 5u);
  steps[2]();
  EXPECT_EQ(f_.Finish(1, 1), Types{"start"});
  EXPECT_EQ(f_.sent_start().attempt, Attempt(2));
  EXPECT_EQ(f_.run().status().records, 0u);
  EXPECT_FALSE(folder_.Has("record-1.cbor"));
  EXPECT_FALSE(folder_.Has("model-1.safetensors"));
}

TEST_F(RunTest, AResultThatWaitedForTheHostIsTakenBeforeAnythingIsAsked) {
  Begin();
  const auto steps = f_.PublishingSteps(1, 1);
  for (bool whole : {false, true}) {
    f_.RestartHost();
    f_.Connect();
    if (whole) steps[2]();
    steps[3]();
    EXPECT_EQ(f_.Finish(1, 1), Types{});
    EXPECT_EQ(f_.run().status().records, whole ? 1u : 0u);
  }
  EXPECT_EQ(f_.TellNone(), Types{"start"});
  EXPECT_EQ(f_.sent_start().round, Round(2));
  EXPECT_EQ(f_.sent_start().attempt, Attempt(1));
}

TEST_F(RunTest, AModelMayStartOver) {
  Begin();
  const auto steps = f_.PublishingSteps(1, 1);
  for (size_t i : {2u, 3u, 3u, 2u, 3u, 4u})
    steps[i]();  // whole, one part too many, then whole again
  EXPECT_EQ(f_.run().status().records, 1u);
}

TEST_F(RunTest, AResultThatDoesNotFitIsNotPublished) {
  const Bytes model = ModelBytes(folder_.plan().plan, 1);
  struct Case {
    std::string name;
    std::function<Bytes(const RunFolder&)> record;
  };
  RunFolder other(ExamplePlan(4));
  const Case cases[] = {
      {"another round", [](const RunFolder& f) { return f.RecordBytes(2, 1, std::nullopt); }},
      {"another attempt", [](const RunFolder& f) { return f.RecordBytes(1, 2, std::nullopt); }},
      {"another plan",
       [&other](const RunFolder&) { return other.RecordBytes(1, 1, std::nullopt); }},
      {"a round before the first",
       [](const RunFolder& f) { return f.RecordBytes(1, 1, f.RecordBytes(1, 1, std::nullopt)); }},
      {"one bit changed",
       [](const RunFolder& f) {
         Bytes bytes = f.RecordBytes(1, 1, std::nullopt);
         bytes[bytes.size() / 2] ^= 1;
         return bytes;
       }},
      {"nothing", [](const RunFolder&) { return Bytes(); }},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    RunFolder folder;
    Federation f(folder);
    f.Launch();
    f.Connect();
    f.TellNone();
    const auto steps = f.PublishingSteps(1, 1);
    steps[2]();
    steps[3]();
    EXPECT_EQ(f.Tell(Finished{.round = Round(1)}, c.record(folder)), Types{"start"});
    EXPECT_TRUE(f.run().broken().ok()) << f.run().broken();
    EXPECT_FALSE(folder.Has("record-1.cbor"));
    EXPECT_FALSE(folder.Has("model-1.safetensors"));
  }
  // The right record over a model with one byte changed.
  Begin();
  Bytes changed = model;
  changed.back() ^= 1;
  f_.Tell(ModelPart{.offset = 0}, changed);
  EXPECT_EQ(f_.Finish(1, 1), Types{"start"});
  EXPECT_FALSE(folder_.Has("model-1.safetensors"));
}

TEST_F(RunTest, ClosingIsRefusedOrAnsweredByTheAggregator) {
  RunOutput out;
  EXPECT_EQ(ErrorCode(f_.run().Close(out)), "aggregator_absent");
  f_.Connect();
  f_.TellNone();
  EXPECT_EQ(ErrorCode(f_.run().Close(out)), "no_round");
  f_.Launch();
  f_.TellState(1, 1, 0);
  EXPECT_EQ(f_.After([&](RunOutput& o) { EXPECT_TRUE(f_.run().Close(o).ok()); }), Types{"close"});
  EXPECT_FALSE(f_.close_answer().has_value());
  EXPECT_EQ(f_.Tell(Refusal("quorum_missing")), Types{});
  EXPECT_EQ(ErrorCode(f_.close_answer().value_or(absl::OkStatus())), "quorum_missing");
  f_.After([&](RunOutput& o) { EXPECT_TRUE(f_.run().Close(o).ok()); });
  f_.Tell(WantBase{.offset = 0, .length = 10});
  ASSERT_TRUE(f_.close_answer().has_value());
  EXPECT_TRUE(f_.close_answer()->ok());
  f_.After([&](RunOutput& o) { EXPECT_TRUE(f_.run().Close(o).ok()); });
  f_.After([&](RunOutput& o) { f_.run().OnAggregatorGone(o); });
  EXPECT_EQ(ErrorCode(f_.close_answer().value_or(absl::OkStatus())), "aggregator_absent");
}

TEST_F(RunTest, APublicationThatStopsIsAskedForAgain) {
  Begin();
  f_.TellState(1, 1, 3);
  f_.Tell(WantBase{.offset = 0, .length = 10});
  uint64_t last_ms = 0;
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(f_.Tell(Refusal("base_wrong")), Types{});
    EXPECT_THAT(f_.run().status().detail, HasSubstr("base_wrong"));
    EXPECT_EQ(f_.Tick(), Types{});
    last_ms = f_.now_ms();
    while (f_.Tick() != Types{"close"}) {
      ++f_.now_ms();
      ASSERT_LE(f_.now_ms() - last_ms, 60'000u);
    }
    EXPECT_EQ(f_.Tick(), Types{});
  }
  EXPECT_EQ(f_.now_ms() - last_ms, 60'000u);
  f_.Publish(1, 1);
  EXPECT_EQ(f_.run().status().records, 1u);
}

TEST_F(RunTest, GarbageFromTheLinkIsPassedOver) {
  Begin();
  for (const Bytes& head : {Bytes{0xff}, Bytes{0xa0}, cbor::EncodeFields(Hello{})}) {
    RunOutput out;
    f_.run().OnAggregatorMessage({.head = head, .bulk = {}}, 0, out);
    EXPECT_TRUE(out.to_aggregator.empty());
    EXPECT_FALSE(out.notes.empty());
  }
  EXPECT_TRUE(f_.run().broken().ok());
}

}  // namespace
}  // namespace sealfold
