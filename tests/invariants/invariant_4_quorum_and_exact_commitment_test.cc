// Invariant 4: the global model is published only with quorum, and its record commits to exactly
// the updates folded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aggregator/core/testing/sample_host.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

using testing::SampleHost;
using testing::SampleRun;
using testing::SampleUpdate;

TEST(QuorumTest, WithoutQuorumNothingIsPublished) {
  const SampleRun run = SampleRun::Make();
  ASSERT_EQ(run.plan.quorum, 2u);
  SampleHost host(run);
  host.Upload(0, run.MakeUpdate(1));
  host.Close();
  EXPECT_THAT(host.host_refusals, ::testing::ElementsAre("quorum_missing"));
  host.Tick(host.now_ms + run.plan.deadline_seconds * 1000 + 1);
  ASSERT_TRUE(host.failed.has_value());
  EXPECT_FALSE(host.record_file.has_value());
  EXPECT_TRUE(host.model_file.empty());
  for (const Message& message : host.to_host) {
    EXPECT_NE(testing::TypeOf(message), ModelPart::kType);
    EXPECT_NE(testing::TypeOf(message), Finished::kType);
  }
}

TEST(QuorumTest, TheRecordCommitsToExactlyTheUpdatesFolded) {
  const SampleRun run = SampleRun::Make();
  SampleHost host(run);
  const std::vector<SampleUpdate> updates = {run.MakeUpdate(7), run.MakeUpdate(8)};
  const Bytes receipt_2 = host.Upload(2, updates[0]);
  const Bytes receipt_0 = host.Upload(0, updates[1]);
  host.Close();
  ASSERT_TRUE(host.record_file.has_value());
  absl::StatusOr<CheckedRecord> checked = CheckRecordFile(*host.record_file);
  ASSERT_TRUE(checked.ok()) << checked.status();

  EXPECT_EQ(checked->record.updates, 2u);
  EXPECT_EQ(checked->record.weight_sum, updates[0].weight.value() + updates[1].weight.value());
  EXPECT_EQ(checked->record.model, Sha256(host.model_file));
  EXPECT_EQ(host.model_file, run.ExpectedModel(run.base_model, updates));

  const SigningPublicKey& key = host.record_file->binding.record_key;
  for (const auto& [party, receipt] : {std::pair(2, receipt_2), std::pair(0, receipt_0)}) {
    ReceiptProof proof{
        .receipt = receipt,
        .path = *InclusionPath(*host.record_file, run.parties[party].key.public_key())};
    EXPECT_TRUE(CheckReceiptProof(proof, *checked, key).ok());
  }
  EXPECT_FALSE(InclusionPath(*host.record_file, run.parties[1].key.public_key()).ok());
}

}  // namespace
}  // namespace sealfold
