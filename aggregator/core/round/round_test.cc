// A round that goes as it should, and how it ends otherwise.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "aggregator/core/testing/sample_host.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

using testing::As;
using testing::SampleHost;
using testing::SampleRun;
using testing::SampleUpdate;
using testing::SeedOf;

TEST(RoundTest, ThreeUpdatesGiveTheExactModelAndARecordThatChecks) {
  const SampleRun run = SampleRun::Make();
  SampleHost host(run);
  std::vector<SampleUpdate> updates;
  std::vector<Bytes> receipts;
  for (size_t party = 0; party < 3; ++party) {
    updates.push_back(run.MakeUpdate(party));
    EXPECT_FALSE(host.record_file.has_value());
    receipts.push_back(host.Upload(party, updates.back()));
  }
  ASSERT_TRUE(host.round->over());
  EXPECT_EQ(host.model_file, run.ExpectedModel(run.base_model, updates));

  ASSERT_TRUE(host.record_file.has_value());
  const absl::StatusOr<CheckedRecord> checked = CheckRecordFile(*host.record_file);
  ASSERT_TRUE(checked.ok()) << checked.status();
  EXPECT_TRUE(CheckRecordChain(nullptr, *checked).ok());
  EXPECT_EQ(checked->record.model, Sha256(host.model_file));
  EXPECT_EQ(checked->record.updates, 3u);
  uint64_t weight_sum = 0;
  for (const SampleUpdate& u : updates) weight_sum += u.weight.value();
  EXPECT_EQ(checked->record.weight_sum, weight_sum);
  EXPECT_EQ(checked->digest, host.round->record_digest());
  EXPECT_EQ(host.record_file->platform, "test");
  for (size_t party = 0; party < 3; ++party) {
    const auto path = InclusionPath(*host.record_file, run.parties[party].key.public_key());
    ASSERT_TRUE(path.ok());
    const ReceiptProof proof{.receipt = receipts[party], .path = *path};
    EXPECT_TRUE(CheckReceiptProof(proof, *checked, host.record_file->binding.record_key).ok());
  }
  // The evidence was made for this record and binding.
  Bytes evidence = ToBytes(Sha256(host.record_file->record).span());
  Append(evidence, host.record_file->binding.digest().span());
  EXPECT_EQ(Bytes(host.record_file->evidence.begin(), host.record_file->evidence.begin() + 64),
            evidence);
}

TEST(RoundTest, OrderOfArrivalDoesNotChangeOneBit) {
  const SampleRun run = SampleRun::Make(4);
  std::vector<size_t> order = {0, 1, 2, 3};
  std::optional<Bytes> model;
  do {
    SampleHost host(run);
    for (size_t party : order) host.Upload(party, run.MakeUpdate(party));
    if (!model.has_value()) model = host.model_file;
    ASSERT_EQ(host.model_file, *model);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(RoundTest, TheOfferBindsTheEvidenceToTheRound) {
  const SampleRun run = SampleRun::Make();
  SampleHost host(run);
  const Offer offer = host.GetOffer(1);
  EXPECT_EQ(offer.binding.plan, run.signed_plan.digest);
  EXPECT_EQ(offer.binding.round, Round(1));
  EXPECT_EQ(offer.binding.attempt, Attempt(1));
  EXPECT_EQ(offer.binding.hpke_key, Sha256(offer.hpke_key.span()));
  EXPECT_EQ(offer.binding.base_model, run.plan.initial_model);
  EXPECT_EQ(offer.binding.previous_record, std::nullopt);
  EXPECT_EQ(offer.platform, "test");
  Bytes expected = ToBytes(SeedOf("nonce", 1).span());
  Append(expected, offer.binding.digest().span());
  Append(expected, offer.hpke_key.span());
  EXPECT_EQ(offer.evidence, expected);
}

TEST(RoundTest, EveryAttemptHasItsOwnKeys) {
  SampleRun run = SampleRun::Make();
  const Offer first = SampleHost(run).GetOffer(0);
  // Even from the same seed, which no caller would use twice.
  const Offer second = SampleHost(run, {.start = run.FirstStart(2)}).GetOffer(0);
  EXPECT_NE(first.hpke_key, second.hpke_key);
  EXPECT_NE(first.binding.record_key, second.binding.record_key);
  const Offer other_seed =
      SampleHost(run, {.start = run.FirstStart(), .seed = SeedOf("another")}).GetOffer(0);
  EXPECT_NE(first.hpke_key, other_seed.hpke_key);
  run.plan.name = "another";
  run.Sign();
  const Offer other_plan = SampleHost(run).GetOffer(0);
  EXPECT_NE(first.hpke_key, other_plan.hpke_key);
}

TEST(RoundTest, ADeadlineWithQuorumPublishesWhatIsThere) {
  const SampleRun run = SampleRun::Make();
  SampleHost host(run);
  const std::vector<SampleUpdate> updates = {run.MakeUpdate(10), run.MakeUpdate(11)};
  host.Upload(2, updates[0]);
  host.Upload(0, updates[1]);
  EXPECT_EQ(host.round->next_tick_ms(), 1000u + 600'000);
  host.Tick(1000 + 599'999);
  EXPECT_FALSE(host.round->over());
  host.Tick(1000 + 600'000);
  ASSERT_TRUE(host.round->over());
  EXPECT_EQ(host.model_file, run.ExpectedModel(run.base_model, updates));
  EXPECT_TRUE(CheckRecordFile(*host.record_file).ok());
}

TEST(RoundTest, ADeadlineWithoutQuorumPublishesNothing) {
  const SampleRun run = SampleRun::Make();
  SampleHost host(run);
  host.Upload(0, run.MakeUpdate(0));
  host.Tick(1000 + 600'000);
  ASSERT_TRUE(host.round->over());
  EXPECT_EQ(host.failed->code, "quorum_missing");
  EXPECT_TRUE(host.model_file.empty());
  EXPECT_FALSE(host.record_file.has_value());
}

TEST(RoundTest, ADeadlineThatPassedComesBeforeTheMessage) {
  const SampleRun run = SampleRun::Make();
  SampleHost host(run);
  host.Upload(0, run.MakeUpdate(0));
  host.Upload(1, run.MakeUpdate(1));
  host.answer_base = false;
  host.now_ms = 1000 + 600'000;
  EXPECT_EQ(host.SayOne(2, host.HelloOf(2)), "round_closed");
}

TEST(RoundTest, AClockThatGoesBackStandsStill) {
  const SampleRun run = SampleRun::Make();
  SampleHost host(run);
  host.Tick(1000 + 300'000);
  host.Tick(0);
  host.Upload(0, run.MakeUpdate(0));
  EXPECT_FALSE(host.round->over());
  host.Tick(1000 + 600'000);
  EXPECT_TRUE(host.round->over());
}

TEST(RoundTest, ClosingNeedsQuorumAndThePlansLeave) {
  SampleRun run = SampleRun::Make();
  {
    SampleHost host(run);
    host.Upload(0, run.MakeUpdate(0));
    host.Close();
    EXPECT_THAT(host.host_refusals, ::testing::ElementsAre("quorum_missing"));
    EXPECT_FALSE(host.round->over());
    host.Upload(1, run.MakeUpdate(1));
    host.Close();
    EXPECT_TRUE(host.round->over());
    EXPECT_TRUE(CheckRecordFile(*host.record_file).ok());
  }
  run.plan.early_close = false;
  run.Sign();
  SampleHost host(run);
  host.Upload(0, run.MakeUpdate(0));
  host.Upload(1, run.MakeUpdate(1));
  host.Close();
  EXPECT_THAT(host.host_refusals, ::testing::ElementsAre("close_not_allowed"));
  EXPECT_FALSE(host.round->over());
}

TEST(RoundTest, ASecondRoundStartsFromTheFirst) {
  const SampleRun run = SampleRun::Make();
  SampleHost first(run);
  for (size_t party = 0; party < 3; ++party) first.Upload(party, run.MakeUpdate(party));
  const CheckedRecord checked = *CheckRecordFile(*first.record_file);
  SampleHost second(run, {.start = {.plan = run.signed_plan.bytes,
                                    .round = Round(2),
                                    .attempt = Attempt(1),
                                    .previous = first.record_file->record},
                          .base_file = first.model_file});
  EXPECT_EQ(second.GetOffer(0).binding.previous_record, checked.digest);
  std::vector<SampleUpdate> updates;
  for (size_t party = 0; party < 3; ++party) {
    updates.push_back(run.MakeUpdate(party + 10));
    second.Upload(party, updates.back());
  }
  EXPECT_EQ(second.model_file, run.ExpectedModel(first.model_file, updates));
  const absl::StatusOr<CheckedRecord> next = CheckRecordFile(*second.record_file);
  ASSERT_TRUE(next.ok()) << next.status();
  EXPECT_TRUE(CheckRecordChain(&checked, *next).ok());
}

TEST(RoundTest, TheHostIsToldWhoCommittedEachOnce) {
  const SampleRun run = SampleRun::Make();
  SampleHost host(run);
  const auto committed = [&host] {
    std::vector<SigningPublicKey> out;
    for (const Message& m : host.to_host) {
      if (testing::TypeOf(m) != RoundState::kType) continue;
      const RoundState state = As<RoundState>(m);
      out.insert(out.end(), state.committed.begin(), state.committed.end());
    }
    host.to_host.clear();
    return out;
  };
  host.Upload(2, run.MakeUpdate(0));
  EXPECT_THAT(committed(), ::testing::ElementsAre(run.parties[2].key.public_key()));
  host.Upload(1, run.MakeUpdate(0));
  EXPECT_THAT(committed(), ::testing::ElementsAre(run.parties[1].key.public_key()));
  host.Inspect();
  EXPECT_THAT(committed(), ::testing::ElementsAre(run.parties[2].key.public_key(),
                                                  run.parties[1].key.public_key()));
}

}  // namespace
}  // namespace sealfold
