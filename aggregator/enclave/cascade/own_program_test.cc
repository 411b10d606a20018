// "The same program" is the whole program: whatever registers a policy's sets name, and whoever
// signs releases.
#include <gtest/gtest.h>

#include "aggregator/core/cascade/testing_cascade.h"
#include "aggregator/enclave/cascade/testing_platform.h"
#include "aggregator/enclave/cascade/verify_peer.h"
#include "attest/release/rules.h"
#include "attest/testing/forge/forge.h"
#include "attest/testing/forge/forge_tpm.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"

namespace sealfold {
namespace {

using testing_cascade::Member;
using testing_cascade::NonceOf;
using testing_cascade::SampleRun;
using testing_cascade::SeedOf;

using Registers = std::map<uint32_t, Bytes>;

class OwnProgramTest : public ::testing::Test {
 protected:
  static Bytes Value(uint8_t n) { return Bytes(48, n); }

  // An offer of `member`, whose document has these registers beside those that are zero.
  Offer MakeOffer(const Member& member, const Registers& registers) {
    Offer offer = member.MakeOffer();
    offer.platform = "sealfold-softnsm";
    const EvidenceExpectation wanted = ExpectationOf(offer, nonce_, kForgeTime_ms);
    NitroDocument content = chain_.Content();
    for (const auto& [index, value] : registers) content.registers[index] = value;
    content.nonce = wanted.nonce;
    content.user_data = wanted.user_data;
    content.public_key = wanted.public_key;
    offer.evidence = chain_.Sign(content);
    return offer;
  }
  // A quote of these values of registers 4, 7 and 12.
  Offer MakeQuote(const std::vector<Bytes>& values) {
    Offer offer = root_.MakeOffer();
    offer.platform = "tpm2";
    const EvidenceExpectation wanted = ExpectationOf(offer, nonce_, kForgeTime_ms);
    TpmEvidence evidence = ForgeTpmEvidence(tpm_key_);
    evidence.registers = values;
    evidence.nonce = wanted.nonce;
    evidence.user_data = wanted.user_data;
    evidence.public_key = wanted.public_key;
    Requote(evidence, tpm_key_);
    offer.evidence = EncodeTpmEvidence(evidence);
    return offer;
  }
  EvidencePolicy PolicyOf(const std::vector<Registers>& sets) const {
    EvidencePolicy policy = chain_.Policy();
    policy.reference_values.clear();
    for (const Registers& set : sets) {
      policy.reference_values.push_back({.name = "a set", .registers = set});
    }
    return policy;
  }
  absl::StatusOr<OwnProgram> Own(const EvidencePolicy& policy, const Registers& registers) {
    return OwnProgramOnly(policy, MakeOffer(root_, registers), nonce_, kForgeTime_ms);
  }
  // How the program `own` judges a leaf with these registers.
  std::string CodeOf(const OwnProgram& own, const Registers& registers) {
    const PeerTerms terms = {.terms = root_.terms, .keys = root_.keys, .program = own};
    return ErrorCode(
        VerifyPeer(terms, MakeOffer(leaf_, registers), nonce_, kForgeTime_ms).status());
  }
  std::string TpmCode(const std::vector<Registers>& sets, const std::vector<Bytes>& values) {
    EvidencePolicy policy = ForgeTpmPolicy(tpm_key_);
    policy.reference_values = PolicyOf(sets).reference_values;
    return ErrorCode(OwnProgramOnly(policy, MakeQuote(values), nonce_, kForgeTime_ms).status());
  }

  const Chain chain_ = Chain::Make();
  const ForgedKey tpm_key_ = ForgedKey::Ecdsa();
  const SampleRun run_ = SampleRun::Make();
  const Member root_{run_, 0};
  const Member leaf_{run_, 1};
  const SessionNonce nonce_ = NonceOf(1);
};

TEST_F(OwnProgramTest, WhatTheSameKeySignedIsNotTheSameProgram) {
  const Registers ours = {{0, Value(1)}, {8, Value(8)}};
  const absl::StatusOr<OwnProgram> own = Own(PolicyOf({{{8, Value(8)}}}), ours);
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(CodeOf(*own, ours), "");
  EXPECT_EQ(CodeOf(*own, {{0, Value(2)}, {8, Value(8)}}), "evidence_registers");
  EXPECT_EQ(CodeOf(*own, {{0, Value(1)}, {8, Value(9)}}), "evidence_registers");
}

TEST_F(OwnProgramTest, EverySetThatIsOursCounts) {
  const Registers ours = {{0, Value(1)}, {2, Value(2)}, {8, Value(3)}};
  const absl::StatusOr<OwnProgram> own =
      Own(PolicyOf({{{2, Value(2)}}, {{0, Value(7)}, {4, Value(4)}}, {{8, Value(3)}}}), ours);
  ASSERT_TRUE(own.ok()) << own.status();
  ASSERT_EQ(own->policy().reference_values.size(), 1u);
  EXPECT_EQ(own->policy().reference_values[0].registers, ours);
  EXPECT_EQ(CodeOf(*own, ours), "");
  EXPECT_EQ(CodeOf(*own, {{0, Value(1)}, {2, Value(9)}, {8, Value(3)}}), "evidence_registers");
  EXPECT_EQ(CodeOf(*own, {{0, Value(1)}, {2, Value(2)}, {8, Value(9)}}), "evidence_registers");
  EXPECT_EQ(CodeOf(*own, {{0, Value(7)}, {4, Value(4)}}), "evidence_registers");
}

TEST_F(OwnProgramTest, AReleaseDoesNotWiden) {
  const SigningKey builder = SigningKey::FromSeed(SeedOf("builder", 0));
  EvidencePolicy policy = PolicyOf({{{0, Value(1)}}});
  policy.releases = std::make_shared<const ReleaseRules>(
      ReleaseRules{.subject = "aggregator", .signers = {builder.public_key()}, .k = 1});
  ReleaseFile file;
  file.statements = {SignStatement(
      builder, EncodeStatement({.subject = "aggregator",
                                .version = 2,
                                .source = "v",
                                .builder = "b",
                                .platforms = {{.platform = "sealfold-softnsm",
                                               .registers = {{.index = 0, .value = Value(2)}}}}}))};
  const Bytes release = cbor::EncodeFields(file);
  absl::Status why_not;
  ASSERT_EQ(WithRelease(policy, release, why_not).reference_values.size(), 2u) << why_not;

  const absl::StatusOr<OwnProgram> own = Own(policy, {{0, Value(1)}});
  ASSERT_TRUE(own.ok()) << own.status();
  EXPECT_EQ(own->policy().releases, nullptr);
  EXPECT_EQ(WithRelease(own->policy(), release, why_not).reference_values.size(), 1u);
}

// A TPM's evidence need not have register 4, and its 7 is the same for all that one key signed.
TEST_F(OwnProgramTest, ATpmsSetsNameWhatMeasuresTheProgram) {
  const Bytes four(32, 4);
  const Bytes seven(32, 7);
  const std::vector<Bytes> values = {four, seven, Bytes(32)};
  EXPECT_EQ(TpmCode({{{4, four}}}, values), "");
  EXPECT_EQ(TpmCode({{{7, seven}}, {{4, four}}}, values), "");
  EXPECT_EQ(TpmCode({{{7, seven}}}, values), "own_program_unmeasured");
  EXPECT_EQ(TpmCode({{{7, seven}, {12, Bytes(32)}}}, values), "own_program_unmeasured");
  EXPECT_EQ(TpmCode({{{7, seven}}, {{4, seven}}}, values), "own_program_unmeasured");
}

}  // namespace
}  // namespace sealfold
