// What the host may and may not have started.
#include <gtest/gtest.h>

#include "aggregator/core/testing/sample_host.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/sealed_model.h"

namespace sealfold {
namespace {

using testing::SampleHost;
using testing::SampleRun;
using testing::SeedOf;

std::string CodeOf(const StartRound& start) {
  Actions actions;
  const auto started = RoundMachine::Start(
      start, {.seed = SeedOf("round"), .base_key = {}, .platform = "test"}, 0, actions);
  if (started.ok()) return "";
  EXPECT_TRUE(actions.empty());
  return ErrorCode(started.status());
}

RoundRecord FirstRecord(const SampleRun& run) {
  return {.plan = run.signed_plan.digest,
          .round = Round(1),
          .attempt = Attempt(1),
          .previous_record = {},
          .base_model = run.plan.initial_model,
          .model = Sha256(AsBytes("a model")),
          .log_root = {},
          .updates = 2,
          .weight_sum = 2,
          .model_key_commitment = {}};
}

StartRound SecondStart(const SampleRun& run, const RoundRecord& previous) {
  return {.plan = run.signed_plan.bytes,
          .round = Round(2),
          .attempt = Attempt(1),
          .previous = SignRecord(previous, SigningKey::FromSeed(SeedOf("record")))};
}

TEST(StartTest, RoundAndAttemptWithinThePlan) {
  const SampleRun run = SampleRun::Make();
  StartRound start = run.FirstStart();
  EXPECT_EQ(CodeOf(start), "");
  start.round = Round(0);
  EXPECT_EQ(CodeOf(start), "round_out_of_plan");
  start.round = Round(run.plan.rounds + 1);
  EXPECT_EQ(CodeOf(start), "round_out_of_plan");
  start.round = Round(UINT64_MAX);
  EXPECT_EQ(CodeOf(start), "round_out_of_plan");
  start.round = Round(1);
  start.attempt = Attempt(run.plan.attempts_max);
  EXPECT_EQ(CodeOf(start), "");
  start.attempt = Attempt(run.plan.attempts_max + 1);
  EXPECT_EQ(CodeOf(start), "attempt_out_of_plan");
  start.attempt = Attempt(0);
  EXPECT_EQ(CodeOf(start), "attempt_out_of_plan");
}

TEST(StartTest, APlanThatIsNotSignedOrNotWithinItsBounds) {
  const SampleRun run = SampleRun::Make();
  StartRound start = run.FirstStart();
  start.plan.back() ^= 1;
  EXPECT_EQ(CodeOf(start), "signature_wrong");
  start.plan = {};
  EXPECT_NE(CodeOf(start), "");
}

TEST(StartTest, ThePreviousRecordFits) {
  const SampleRun run = SampleRun::Make();
  const RoundRecord good = FirstRecord(run);
  EXPECT_EQ(CodeOf(SecondStart(run, good)), "");

  StartRound start = SecondStart(run, good);
  start.previous.reset();
  EXPECT_EQ(CodeOf(start), "previous_record_missing");
  start = SecondStart(run, good);
  start.previous->back() ^= 1;
  EXPECT_EQ(CodeOf(start), "signature_wrong");
  start = SecondStart(run, good);
  start.round = Round(1);
  EXPECT_EQ(CodeOf(start), "previous_record_unexpected");

  RoundRecord bad = good;
  bad.plan = Sha256(AsBytes("another plan"));
  EXPECT_EQ(CodeOf(SecondStart(run, bad)), "previous_record_wrong");
  bad = good;
  bad.round = Round(2);
  EXPECT_EQ(CodeOf(SecondStart(run, bad)), "previous_record_wrong");
  bad = good;
  bad.model_key_commitment = Sha256(AsBytes("a key"));
  EXPECT_EQ(CodeOf(SecondStart(run, bad)), "previous_record_wrong");
}

TEST(StartTest, SealedDeliveryNeedsTheCommitmentToTheLastKey) {
  SampleRun run = SampleRun::Make();
  run.plan.delivery = Delivery::kSealed;
  run.Sign();
  RoundRecord record = FirstRecord(run);
  EXPECT_EQ(CodeOf(SecondStart(run, record)), "previous_record_wrong");
  record.model_key_commitment = ModelKeyCommitment(SeedOf("key").span());
  EXPECT_EQ(CodeOf(SecondStart(run, record)), "");
}

TEST(StartTest, AModelKeyThatNothingCanBeSealedTo) {
  SampleRun run = SampleRun::Make();
  run.plan.participants[1].model_key = SealingPublicKey();  // of low order
  run.Sign();
  EXPECT_EQ(CodeOf(run.FirstStart()), "");  // not used when the model is public
  run.plan.delivery = Delivery::kSealed;
  run.Sign();
  EXPECT_EQ(CodeOf(run.FirstStart()), "sealing_key_weak");
}

}  // namespace
}  // namespace sealfold
