// Real processes over real sockets, and what happens to them.
#include <gtest/gtest.h>
#include <signal.h>

#include <random>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/program/program.h"
#include "tests/e2e/study.h"

namespace sealfold {
namespace {

// Calls `action` in the relay's thread when `chunk_bytes` of chunks passed; once.
std::function<void(const Message&)> AfterChunks(size_t chunk_bytes,
                                                std::function<void(const Message&)> action) {
  return [chunk_bytes, action = std::move(action), seen = size_t{0},
          done = false](const Message& message) mutable {
    absl::StatusOr<std::string> type = cbor::PeekType(message.head);
    if (!type.ok() || *type != Chunk::kType) return;
    seen += message.bulk.size();
    if (!done && seen >= chunk_bytes) {
      done = true;
      action(message);
    }
  };
}

TEST(EndToEndTest, ANormalRunPublishesTheRightModels) {
  KnownStudy study({.rounds = 3});
  ASSERT_NO_FATAL_FAILURE(study.Start());
  for (size_t i = 0; i < KnownStudy::kParticipants; ++i) ASSERT_NO_FATAL_FAILURE(study.Join(i));
  study.Finish();
  study.ExpectRightModels();
  EXPECT_EQ(study.RecordedAttempt(3), 1u);
}

// Blocks of which every element is kept say what the update says, so the models are the same.
TEST(EndToEndTest, UpdatesInAnEncodingGiveTheModelsOfWhatTheyStandFor) {
  KnownStudy study({.update_encoding = R"({"kind": "top_k", "block_elements": 256, "kept": 256})"});
  ASSERT_NO_FATAL_FAILURE(study.Start());
  for (size_t i = 0; i < KnownStudy::kParticipants; ++i) ASSERT_NO_FATAL_FAILURE(study.Join(i));
  study.Finish();
  study.ExpectRightModels();
}

TEST(EndToEndTest, AModelSealedToTheParticipantsIsReadByThemOnly) {
  KnownStudy study({.rounds = 3, .delivery = "sealed"});
  ASSERT_NO_FATAL_FAILURE(study.Start());
  for (size_t i = 0; i < KnownStudy::kParticipants; ++i) ASSERT_NO_FATAL_FAILURE(study.Join(i));
  study.Finish();
  EXPECT_NE(study.PublishedModel(3), study.ExpectedModel(3)) << "what the host holds is sealed";
  absl::StatusOr<ProgramResult> fetched = study.federation().Run(
      "sealfold-participant",
      {"fetch", "model", "--connect", study.federation().endpoint(), "--policy",
       study.federation().Path("policy.json"), "--key", study.federation().Path("beta/key"),
       "--round", "3", "--out", study.federation().Path("beta/opened")});
  ASSERT_TRUE(fetched.ok());
  ASSERT_EQ(fetched->exit_code, kExitDone) << fetched->err;
  absl::StatusOr<std::string> opened =
      ReadFile(study.federation().Path("beta/opened"), size_t{1} << 30);
  ASSERT_TRUE(opened.ok());
  EXPECT_TRUE(AsBytes(*opened) == ByteSpan(study.ExpectedModel(3)));
}

TEST(EndToEndTest, AParticipantKilledWhileUploadingGoesOnWhereItStopped) {
  KnownStudy study({});
  ASSERT_NO_FATAL_FAILURE(study.Start());
  std::atomic<bool> killed = false;
  std::atomic<uint64_t> first_after = UINT64_MAX;  // the first chunk that is sent after the kill
  Relay relay(study.federation().endpoint(), 1, {}, [&](const Message& message) {
    absl::StatusOr<Chunk> chunk = cbor::DecodeFields<Chunk>(message.head);
    if (!chunk.ok()) return;
    if (!killed && chunk->index >= 60) {
      killed = true;  // before the signal: the test's thread looks as soon as the process is gone
      study.participant(0).Signal(SIGKILL);
    } else if (killed && first_after == UINT64_MAX) {
      first_after = chunk->index;
    }
  });
  study.set_relay(&relay);
  ASSERT_NO_FATAL_FAILURE(study.Join(0));
  EXPECT_EQ(study.participant(0).Wait(), 128 + SIGKILL);
  ASSERT_TRUE(killed);
  for (size_t i = 0; i < KnownStudy::kParticipants; ++i) {
    ASSERT_NO_FATAL_FAILURE(study.Join(i));
    // The others come once the first has gone on, so that the chunk seen is its own.
    while (i == 0 && first_after == UINT64_MAX && study.participant(0).Running()) {
      std::this_thread::yield();
    }
  }
  study.Finish();
  EXPECT_GT(first_after, 0u);
  EXPECT_LE(first_after, 68u + 1024u);
  study.ExpectRightModels();
  EXPECT_EQ(study.RecordedAttempt(1), 1u);
}

TEST(EndToEndTest, AnAggregatorKilledInARoundComesBackAndParticipantsSendAgain) {
  KnownStudy study({});
  ASSERT_NO_FATAL_FAILURE(study.Start());
  Relay relay(study.federation().endpoint(), 1, {}, AfterChunks(600'000, [&](const Message&) {
                study.federation().aggregator().Signal(SIGKILL);
                study.federation().aggregator().Wait();
                EXPECT_TRUE(study.federation().StartAggregator().ok());
              }));
  study.set_relay(&relay);
  for (size_t i = 0; i < KnownStudy::kParticipants; ++i) ASSERT_NO_FATAL_FAILURE(study.Join(i));
  study.Finish();
  study.ExpectRightModels();
  EXPECT_EQ(study.RecordedAttempt(1), 2u) << "the attempt is in the record";
}

TEST(EndToEndTest, ACoordinatorKilledInARoundComesBackAndNothingIsLost) {
  KnownStudy study({});
  ASSERT_NO_FATAL_FAILURE(study.Start());
  Relay relay(study.federation().endpoint(), 1, {}, AfterChunks(600'000, [&](const Message&) {
                study.federation().coordinator().Signal(SIGKILL);
                study.federation().coordinator().Wait();
                EXPECT_TRUE(study.federation().StartCoordinator().ok());
              }));
  study.set_relay(&relay);
  for (size_t i = 0; i < KnownStudy::kParticipants; ++i) ASSERT_NO_FATAL_FAILURE(study.Join(i));
  study.Finish();
  study.ExpectRightModels();
  EXPECT_EQ(study.RecordedAttempt(1), 1u) << "the aggregator kept the round";
}

TEST(EndToEndTest, AHostThatStartsOverTooOftenGetsNothingMore) {
  KnownStudy study({.rounds = 1, .policy_attempts_max = 1});
  ASSERT_NO_FATAL_FAILURE(study.Start());
  Relay relay(study.federation().endpoint(), 1, {}, AfterChunks(200'000, [&](const Message&) {
                study.federation().aggregator().Signal(SIGKILL);
                study.federation().aggregator().Wait();
                EXPECT_TRUE(study.federation().StartAggregator().ok());
              }));
  study.set_relay(&relay);
  ASSERT_NO_FATAL_FAILURE(study.Join(0));
  // It says why it does not send again, and waits for a record that others may bring about.
  bool refused = false;
  while (std::optional<std::string> line = study.participant(0).ReadLine(60'000)) {
    refused = absl::StrContains(*line, "attempt") && absl::StrContains(*line, "\"passed\":false");
    if (refused) break;
  }
  EXPECT_TRUE(refused);
  EXPECT_EQ(study.RecordedAttempt(1), 0u);
}

class TamperingTest : public ::testing::TestWithParam<int> {};

TEST_P(TamperingTest, ATamperingRelayNeverYieldsAWrongModel) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("relay seed ", seed));
  KnownStudy study({.rounds = 2, .elements = 20'000});
  ASSERT_NO_FATAL_FAILURE(study.Start());
  Relay relay(study.federation().endpoint(), seed,
              {.drop = 20, .duplicate = 20, .flip = 20, .delay = 20, .replay = 20});
  study.set_relay(&relay);
  for (size_t i = 0; i < KnownStudy::kParticipants; ++i) ASSERT_NO_FATAL_FAILURE(study.Join(i));
  study.Finish(/*restarts_max=*/20);
  EXPECT_GT(relay.harmed(), 0u);
  study.ExpectRightModels();
}

INSTANTIATE_TEST_SUITE_P(Seeds, TamperingTest, ::testing::Range(0, 1));

}  // namespace
}  // namespace sealfold
