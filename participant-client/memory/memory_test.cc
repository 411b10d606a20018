// Invariant 5, the participant's part: no host takes a participant back to an earlier state of the
// run.
#include "participant-client/memory/memory.h"

#include <gtest/gtest.h>

#include "participant-client/testing/world.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

using testing_world::World;

class MemoryTest : public ::testing::Test {
 protected:
  MemoryTest() {
    memory_ = world_.EmptyMemory();
    memory_.seen = SeenRecord{.round = Round(4),
                              .record = Sha256(AsBytes("record 4")),
                              .model = Sha256(AsBytes("model 4"))};
    binding_.plan = world_.plan.digest;
    binding_.round = Round(5);
    binding_.attempt = Attempt(1);
    binding_.hpke_key = Sha256(AsBytes("a key"));
    binding_.previous_record = memory_.seen->record;
    binding_.base_model = memory_.seen->model;
  }

  std::string Judge(uint64_t attempts_max = 2) {
    CheckList checks;
    CheckAgainstMemory(memory_, world_.plan.plan, binding_, attempts_max, update_, checks);
    return checks.passed() ? "" : ErrorCode(checks.status());
  }
  std::string JudgeRelease(uint64_t matched) {
    CheckList checks;
    CheckReleaseVersion(memory_, matched, checks);
    return checks.passed() ? "" : ErrorCode(checks.status());
  }
  void Enter(uint64_t attempt) {
    memory_.entered = EnteredAttempt{.round = binding_.round,
                                     .attempt = Attempt(attempt),
                                     .hpke_key = binding_.hpke_key,
                                     .update = *update_,
                                     .headers = {},
                                     .receipt = {}};
  }
  CheckedRecord Record(uint64_t round, const Digest& previous) {
    CheckedRecord record{.plan = world_.plan, .record = {}, .digest = Sha256(AsBytes("record 5"))};
    record.record.round = Round(round);
    record.record.previous_record = previous;
    record.record.model = Sha256(AsBytes("model 5"));
    return record;
  }

  World world_;
  Memory memory_;
  Binding binding_;
  std::optional<UpdateIdentity> update_ =
      UpdateIdentity{.path = "/u", .size_bytes = 1, .modified_ns = 2, .weight = Weight(3)};
};

TEST_F(MemoryTest, TheNextRoundAfterTheLastRecordIsTaken) { EXPECT_EQ(Judge(), ""); }

TEST_F(MemoryTest, TheFirstRoundStartsFromThePlan) {
  memory_ = world_.EmptyMemory();
  binding_.round = Round(1);
  binding_.previous_record.reset();
  binding_.base_model = world_.plan.plan.initial_model;
  EXPECT_EQ(Judge(), "");
  binding_.base_model = Digest();
  EXPECT_EQ(Judge(), "offer_base_model");
}

TEST_F(MemoryTest, RollbacksAreRefused) {
  binding_.round = Round(4);
  EXPECT_EQ(Judge(), "offer_round_seen");
  binding_.round = Round(1);
  EXPECT_EQ(Judge(), "offer_round_seen");
  binding_.round = Round(6);
  EXPECT_EQ(Judge(), "offer_round_ahead");
  binding_.round = Round(5);
  binding_.previous_record = Sha256(AsBytes("another record 4"));
  EXPECT_EQ(Judge(), "offer_chain_broken");
  binding_.previous_record.reset();
  EXPECT_EQ(Judge(), "offer_chain_broken");
  binding_.previous_record = memory_.seen->record;
  binding_.base_model = Sha256(AsBytes("another model 4"));
  EXPECT_EQ(Judge(), "offer_base_model");
}

TEST_F(MemoryTest, AttemptsOnlyRiseAndEnd) {
  Enter(1);
  EXPECT_EQ(Judge(), "");  // the same key: goes on
  binding_.hpke_key = Sha256(AsBytes("another key"));
  EXPECT_EQ(Judge(), "offer_key_changed");
  binding_.attempt = Attempt(2);
  EXPECT_EQ(Judge(), "");
  EXPECT_EQ(Judge(1), "offer_attempt_limit");
  Enter(2);
  binding_.attempt = Attempt(1);
  EXPECT_EQ(Judge(), "offer_attempt_old");
  binding_.attempt = Attempt(3);
  EXPECT_EQ(Judge(), "offer_attempt_limit");
  EXPECT_EQ(Judge(3), "");
  binding_.attempt = Attempt(0);
  EXPECT_EQ(Judge(), "offer_attempt_old");
}

TEST_F(MemoryTest, AttemptsOfAnEarlierRoundDoNotCount) {
  Enter(2);
  memory_.entered->round = Round(4);
  EXPECT_EQ(Judge(), "");
  EXPECT_FALSE(memory_.Resumes(binding_));
}

TEST_F(MemoryTest, EveryAttemptOfARoundSendsTheSameUpdate) {
  Enter(1);
  binding_.attempt = Attempt(2);
  update_->weight = Weight(4);
  EXPECT_EQ(Judge(), "offer_update_changed");
  update_.reset();  // only asked, nothing to send
  EXPECT_EQ(Judge(), "");
}

TEST_F(MemoryTest, RecordsOnlyGoForwardByOneAndChained) {
  EXPECT_EQ(ErrorCode(Remember(Record(4, memory_.seen->record), memory_)), "record_rolled_back");
  EXPECT_EQ(ErrorCode(Remember(Record(6, memory_.seen->record), memory_)), "record_rolled_back");
  EXPECT_EQ(ErrorCode(Remember(Record(5, Digest()), memory_)), "record_rolled_back");
  CheckedRecord other = Record(5, memory_.seen->record);
  other.plan.digest = Digest();
  EXPECT_EQ(ErrorCode(Remember(other, memory_)), "record_rolled_back");
  EXPECT_EQ(memory_.seen->round, Round(4));
  ASSERT_TRUE(Remember(Record(5, memory_.seen->record), memory_).ok());
  EXPECT_EQ(memory_.round_next(), Round(6));
  EXPECT_EQ(Judge(), "offer_round_seen");
}

TEST_F(MemoryTest, NoReleaseOlderThanOneAcceptedBefore) {
  EXPECT_EQ(JudgeRelease(1), "");
  memory_.release_version = 7;
  EXPECT_EQ(JudgeRelease(6), "offer_release_old");
  EXPECT_EQ(JudgeRelease(7), "");
  EXPECT_EQ(JudgeRelease(8), "");
  EXPECT_EQ(JudgeRelease(0), "");  // a person's own values stand above releases
}

}  // namespace
}  // namespace sealfold
