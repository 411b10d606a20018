// A cascade in which nobody is taken at its word: evidence on every link, and the sum of one
// aggregator.
#include <gtest/gtest.h>

#include "aggregator/core/publish/round_record.h"
#include "aggregator/core/testing/sample_host.h"
#include "aggregator/enclave/cascade/testing_platform.h"
#include "aggregator/enclave/cascade/verify_peer.h"

namespace sealfold {
namespace {

using testing_cascade::kNowMs;
using testing_cascade::Leaf;
using testing_cascade::Member;
using testing_cascade::NonceOf;
using testing_cascade::Platform;
using testing_cascade::Publish;
using testing_cascade::Receive;
using testing_cascade::SampleRun;
using testing_cascade::SampleUpdate;
using testing_cascade::Send;

constexpr size_t kParties = 7;
constexpr char kProgram[] = "this build";

class CascadeEvidenceTest : public ::testing::TestWithParam<size_t> {
 protected:
  // `judge` says hello to `peer` with a nonce of its own.
  absl::StatusOr<VerifiedPeer> Verify(const Member& judge, const Member& peer) {
    const SessionNonce own = NonceOf(nonces_++);
    SEALFOLD_ASSIGN_OR_RETURN(
        const OwnProgram program,
        OwnProgramOnly(platform_.PolicyFor(kProgram), platform_.MakeOffer(judge, own, kProgram),
                       own, kNowMs));
    const SessionNonce nonce = NonceOf(nonces_++);
    return VerifyPeer({.terms = judge.terms, .keys = judge.keys, .program = program},
                      platform_.MakeOffer(peer, nonce, kProgram), nonce, kNowMs);
  }

  Platform platform_;
  uint64_t nonces_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Leaves, CascadeEvidenceTest, ::testing::Values(1, 2, 3));

TEST_P(CascadeEvidenceTest, PublishesWhatOneAggregatorWould) {
  const SampleRun run = SampleRun::Make(kParties);
  const Member root(run, 0);
  Leaf one(run, 0);  // the root's keys, and all updates
  std::vector<SampleUpdate> updates;
  for (size_t party = 0; party < kParties; ++party) {
    updates.push_back(run.MakeUpdate(party));
    one.Upload(party, updates.back());
  }

  RootSum sum = *RootSum::Make(root.terms);
  for (size_t i = 0; i < GetParam(); ++i) {
    Leaf leaf(run, i + 1);
    for (size_t party = i; party < kParties; party += GetParam()) {
      leaf.Upload(party, updates[party]);
    }
    const absl::StatusOr<VerifiedPeer> to = Verify(leaf, root);
    ASSERT_TRUE(to.ok()) << to.status();
    const absl::StatusOr<VerifiedPeer> from = Verify(root, leaf);
    ASSERT_TRUE(from.ok()) << from.status();
    const auto partial = Receive(root, *from, Send(leaf, leaf.folded(), *to));
    ASSERT_TRUE(partial.ok()) << partial.status();
    ASSERT_TRUE(sum.Add(*partial).ok());
  }
  EXPECT_EQ(sum.sum(), one.folded().sum);
  const Bytes model = Publish(run, root, sum);
  EXPECT_EQ(model, run.ExpectedModel(run.base_model, updates));

  // The record's bytes too, given the log: that names headers, which are sealed to each leaf's key.
  ASSERT_EQ(sum.log().size(), kParties);
  EXPECT_EQ(SignRoundRecord(root.terms, root.keys, sum.log(), sum.weight_sum(), Sha256(model)),
            SignRoundRecord(one.terms, one.keys, sum.log(), one.folded().weight_sum,
                            Sha256(run.ExpectedModel(run.base_model, updates))));
}

}  // namespace
}  // namespace sealfold
