#include "aggregator/host/run/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aggregator/host/testing/federation.h"
#include "protocol/text/utf8.h"

namespace sealfold {
namespace {

using testing::ExamplePlan;
using testing::Federation;
using ::testing::HasSubstr;
using testing::ModelBytes;
using testing::Refusal;
using testing::RunFolder;
using testing::RunTest;
using testing::Types;

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

// An aggregator is no more than a peer: the folder can be served again, whatever it said.
TEST_F(RunTest, WhatAnAggregatorSaysLeavesAFolderThatCanBeServed) {
  Begin();
  f_.Connect();
  EXPECT_EQ(f_.TellIn(1, 1'000'000), Types{});
  EXPECT_EQ(f_.run().status().phase, RunPhase::kFailed);
  EXPECT_EQ(f_.store().state().attempt, folder_.plan().plan.attempts_max);
  f_.RestartHost();
  EXPECT_EQ(f_.run().status().phase, RunPhase::kFailed);

  RunFolder other;
  Federation g(other);
  g.Launch();
  g.Connect();
  g.TellNone();
  for (uint64_t attempt = 1; attempt <= 3; ++attempt) {
    RunOutput out;
    g.run().OnAggregatorMessage(ToMessage(Failed{.round = Round(1),
                                                 .attempt = Attempt(attempt),
                                                 .code = "\x1b[2J",
                                                 .reason = "\n" + std::string(100'000, '"')}),
                                0, out);
    for (const std::string& note : out.notes) {
      EXPECT_FALSE(HasControlCharacter(note)) << note.substr(0, 200);
    }
  }
  EXPECT_EQ(g.run().status().phase, RunPhase::kFailed);
  EXPECT_LE(ToMessage(g.run().status()).head.size(), kMessageHeadBytesMax);
  EXPECT_FALSE(HasControlCharacter(g.run().status().detail));
  g.RestartHost();
  EXPECT_EQ(g.run().status().phase, RunPhase::kFailed);
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

// Whatever else it says or leaves unsaid meanwhile.
TEST_F(RunTest, ARefusedStartIsNotTriedAgainBesideWhatTheAggregatorIsAsked) {
  Begin();
  EXPECT_EQ(f_.TellNone(), Types{"inspect"});
  f_.Tell(Refusal("memory_short"));
  f_.now_ms() = 10'000;
  EXPECT_EQ(f_.Tick(), Types{}) << "the answer decides";
  EXPECT_EQ(f_.TellNone(), Types{"start"});
  EXPECT_EQ(f_.sent_start().attempt, Attempt(2));

  // In the very attempt whose start it refused, it says.
  EXPECT_EQ(f_.TellNone(), Types{"inspect"});
  f_.Tell(Refusal("memory_short"));
  EXPECT_EQ(f_.TellIn(1, 2), Types{});
  f_.now_ms() = 20'000;
  EXPECT_EQ(f_.Tick(), Types{});
  EXPECT_TRUE(f_.run().broken().ok());
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
