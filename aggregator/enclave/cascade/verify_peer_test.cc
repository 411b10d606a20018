// Whom a root takes a sum from and a leaf gives one to: both by the same call, each failure by its
// own name.
#include "aggregator/enclave/cascade/verify_peer.h"

#include <gtest/gtest.h>

#include <functional>
#include <type_traits>

#include "aggregator/enclave/cascade/testing_platform.h"
#include "protocol/base/error.h"
#include "protocol/envelope/nonce_batch.h"
#include "protocol/log/merkle.h"

namespace sealfold {
namespace {

using testing_cascade::kNowMs;
using testing_cascade::Member;
using testing_cascade::NonceOf;
using testing_cascade::Platform;
using testing_cascade::SampleRun;

constexpr char kProgram[] = "this build";
constexpr char kOlder[] = "an older build";  // that the platform's policy accepts too

// Nobody makes one out of its parts.
static_assert(!std::is_constructible_v<VerifiedPeer, Binding, SealingPublicKey>);
static_assert(!std::is_default_constructible_v<VerifiedPeer>);
static_assert(!std::is_aggregate_v<VerifiedPeer>);
// And nobody judges by a wider policy.
static_assert(!std::is_constructible_v<OwnProgram, EvidencePolicy>);
static_assert(!std::is_default_constructible_v<OwnProgram>);

// True: the root judges a leaf; false: a leaf the root.
class VerifyPeerTest : public ::testing::TestWithParam<bool> {
 protected:
  std::string CodeOf(const Offer& offer, const SessionNonce& nonce, uint64_t now_ms = kNowMs) {
    const absl::StatusOr<VerifiedPeer> peer = VerifyPeer(
        {.terms = judge_.terms, .keys = judge_.keys, .program = program_}, offer, nonce, now_ms);
    if (!peer.ok()) return ErrorCode(peer.status());
    EXPECT_EQ(peer->binding(), offer.binding);
    EXPECT_EQ(peer->hpke_key(), offer.hpke_key);
    return "";
  }
  // With evidence for the offer as it was, or, `before`, as it is after `change`.
  std::string CodeOfChanged(bool before, const std::function<void(Offer&)>& change) {
    Offer offer = platform_.MakeOffer(peer_, nonce_, kProgram);
    change(offer);
    if (before) platform_.Attest(offer, nonce_, kProgram);
    return CodeOf(offer, nonce_);
  }

  Platform platform_;
  SampleRun run_ = SampleRun::Make();
  Member root_{run_, 0};
  Member leaf_{run_, 1};
  const Member& judge_ = GetParam() ? root_ : leaf_;
  const Member& peer_ = GetParam() ? leaf_ : root_;
  const SessionNonce nonce_ = NonceOf(1);
  OwnProgram program_ =
      *OwnProgramOnly(platform_.PolicyFor(kProgram),
                      platform_.MakeOffer(judge_, NonceOf(0), kProgram), NonceOf(0), kNowMs);
};
INSTANTIATE_TEST_SUITE_P(Judge, VerifyPeerTest, ::testing::Values(true, false),
                         [](const auto& param) { return param.param ? "Root" : "Leaf"; });

TEST_P(VerifyPeerTest, OneOfTheSameProgramAndTermsPasses) {
  EXPECT_EQ(CodeOf(platform_.MakeOffer(peer_, nonce_, kProgram), nonce_), "");
}

TEST_P(VerifyPeerTest, AnotherProgramIsRefusedThoughThePolicyAcceptsIt) {
  const Offer older = platform_.MakeOffer(peer_, nonce_, kOlder);
  EXPECT_EQ(CodeOf(older, nonce_), "evidence_registers");
  EXPECT_EQ(CodeOf(platform_.MakeOffer(peer_, nonce_, "a stranger"), nonce_), "evidence_registers");
  program_ = *OwnProgramOnly(platform_.PolicyFor(kProgram), older, nonce_, kNowMs);
  EXPECT_EQ(CodeOf(older, nonce_), "");
}

TEST_P(VerifyPeerTest, AnOldDocumentIsRefused) {
  EXPECT_EQ(CodeOf(platform_.MakeOffer(peer_, NonceOf(2), kProgram), nonce_), "evidence_nonce");
  const Offer offer = platform_.MakeOffer(peer_, nonce_, kProgram);
  EXPECT_EQ(CodeOf(offer, nonce_, kNowMs + program_.policy().age_ms_max), "");
  EXPECT_EQ(CodeOf(offer, nonce_, kNowMs + program_.policy().age_ms_max + 1), "evidence_freshness");
}

TEST_P(VerifyPeerTest, KeysAreThoseInTheEvidence) {
  const Member other(run_, 7);
  const auto other_hpke = [&](Offer& offer) { offer.hpke_key = other.MakeOffer().hpke_key; };
  EXPECT_EQ(CodeOfChanged(false, other_hpke), "evidence_public_key");
  EXPECT_EQ(CodeOfChanged(true, other_hpke), "peer_differs");  // not the key that it bound
  EXPECT_EQ(CodeOfChanged(false,
                          [&](Offer& offer) {
                            offer.binding.record_key = other.keys.record_key().public_key();
                          }),
            "evidence_user_data");
  EXPECT_EQ(CodeOfChanged(false, [&](Offer& offer) { offer.binding = other.MakeOffer().binding; }),
            "evidence_user_data");
}

TEST_P(VerifyPeerTest, OtherTermsAreRefusedWhateverTheEvidence) {
  SampleRun other_run = SampleRun::Make();
  other_run.plan.name = "another run";
  other_run.Sign();
  const Member of_other_plan(other_run, 1);
  const absl::StatusOr<VerifiedPeer> peer =
      VerifyPeer({.terms = judge_.terms, .keys = judge_.keys, .program = program_},
                 platform_.MakeOffer(of_other_plan, nonce_, kProgram), nonce_, kNowMs);
  ASSERT_EQ(ErrorCode(peer.status()), "peer_differs");
  EXPECT_EQ(Explain(peer.status()).what, "plan of the other aggregator");
  EXPECT_EQ(CodeOfChanged(true, [](Offer& offer) { offer.binding.round = Round(2); }),
            "peer_differs");
  EXPECT_EQ(CodeOfChanged(true, [](Offer& offer) { offer.binding.attempt = Attempt(2); }),
            "peer_differs");
  EXPECT_EQ(CodeOf(platform_.MakeOffer(judge_, nonce_, kProgram), nonce_), "peer_is_self");
}

TEST_P(VerifyPeerTest, EvidenceIsOfThePolicysPlatformAndRoot) {
  EXPECT_EQ(CodeOfChanged(false, [](Offer& offer) { offer.platform = "aws-nitro"; }),
            "peer_platform");
  Platform stranger;
  EXPECT_EQ(CodeOf(stranger.MakeOffer(peer_, nonce_, kProgram), nonce_), "evidence_chain");
  EXPECT_EQ(CodeOfChanged(false, [](Offer& offer) { offer.evidence.back() ^= 1; }),
            "evidence_signature");
  EXPECT_EQ(CodeOfChanged(false, [](Offer& offer) { offer.evidence.clear(); }), "evidence_format");
}

TEST_P(VerifyPeerTest, ADocumentMayBeForManyHellos) {
  MerkleLog nonces;
  nonces.Append(NonceLeaf(NonceOf(5)));
  const uint64_t index = nonces.Append(NonceLeaf(nonce_));
  const auto in_batch = [&](Offer& offer) {
    offer.batch = NoncePath{
        .index = index, .size = 2, .root = nonces.Root(), .path = nonces.InclusionProof(index, 2)};
  };
  EXPECT_EQ(CodeOfChanged(true, in_batch), "");
  EXPECT_EQ(CodeOfChanged(false, in_batch), "evidence_nonce");
  Offer offer = platform_.MakeOffer(peer_, nonce_, kProgram);
  in_batch(offer);
  platform_.Attest(offer, nonce_, kProgram);
  EXPECT_EQ(CodeOf(offer, NonceOf(6)), "nonce_not_in_batch");
}

TEST_P(VerifyPeerTest, WhoIsNotAcceptedItselfJudgesNobody) {
  const auto own = [&](absl::string_view program, const SessionNonce& made_for) {
    return ErrorCode(OwnProgramOnly(platform_.PolicyFor(kProgram),
                                    platform_.MakeOffer(judge_, made_for, program), nonce_, kNowMs)
                         .status());
  };
  EXPECT_EQ(own(kProgram, nonce_), "");
  EXPECT_EQ(own("a stranger", nonce_), "evidence_registers");
  EXPECT_EQ(own(kProgram, NonceOf(2)), "evidence_nonce");
  // What was narrowed accepts what this program measures and nothing else.
  const std::vector<ReferenceValues>& sets = program_.policy().reference_values;
  ASSERT_EQ(sets.size(), 1u);
  EXPECT_EQ(sets[0].registers.at(0), ToBytes(testing_cascade::MeasurementOf(kProgram).span()));
}

}  // namespace
}  // namespace sealfold
