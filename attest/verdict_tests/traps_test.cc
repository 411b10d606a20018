// Traps that other verifiers of attestation documents fell into, one test each.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "attest/nitro/nitro_verifier.h"
#include "attest/software/software_verifier.h"
#include "attest/testing/every_way.h"
#include "attest/testing/forge/forge.h"
#include "attest/testing/vectors.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr char kAllPassed[] =
    "platform format chain certificate_time signature debug freshness nonce registers";

TEST(TrapsTest, AGoodDocumentPasses) {
  Chain chain = Chain::Make();
  Verdict verdict = VerifyEveryWay(chain.Document(), chain.Policy(), ForgeExpectation());
  EXPECT_EQ(CheckNames(verdict), kAllPassed);
  EXPECT_TRUE(verdict.passed()) << verdict.status();
}

TEST(TrapsTest, AnEmptyListOfReferenceValuesAcceptsNothing) {
  Chain chain = Chain::Make();
  EvidencePolicy policy = chain.Policy();
  policy.reference_values.clear();
  EXPECT_EQ(ErrorCode(CheckEvidencePolicy(policy)), "policy_references_empty");
  EXPECT_EQ(CheckNames(VerifyEveryWay(chain.Document(), policy, ForgeExpectation())), "!policy");
  // Also where a caller forgot to check the policy.
  Verdict direct = SoftwareVerifier().Verify(chain.Document(), policy, ForgeExpectation(), nullptr);
  EXPECT_FALSE(FindCheck(direct, "registers").passed);
}

TEST(TrapsTest, ASetWithoutRegistersAcceptsNothing) {
  Chain chain = Chain::Make();
  EvidencePolicy policy = chain.Policy();
  policy.reference_values.push_back({.name = "empty"});
  EXPECT_EQ(ErrorCode(CheckEvidencePolicy(policy)), "policy_reference_empty");
  policy.reference_values.erase(policy.reference_values.begin());
  Verdict direct = SoftwareVerifier().Verify(chain.Document(), policy, ForgeExpectation(), nullptr);
  EXPECT_FALSE(FindCheck(direct, "registers").passed);
}

TEST(TrapsTest, AllZeroReferenceValuesAreRefused) {
  Chain chain = Chain::Make();
  EvidencePolicy policy = chain.Policy();
  policy.reference_values[0].registers = {{1, Bytes(48)}};
  EXPECT_EQ(ErrorCode(CheckEvidencePolicy(policy)), "policy_register_zero");
  EXPECT_EQ(CheckNames(VerifyEveryWay(chain.Document(), policy, ForgeExpectation())), "!policy");
  // Register 1 of the document is zero too: an equal value, and still no match.
  Verdict direct = SoftwareVerifier().Verify(chain.Document(), policy, ForgeExpectation(), nullptr);
  EXPECT_FALSE(FindCheck(direct, "registers").passed);
}

// Whoever may start an enclave on that instance, with that role, starts any; and any enclave can
// extend the rest as another did.
TEST(TrapsTest, RegistersThatDoNotTellWhatRunsAcceptNothingAlone) {
  const Bytes real = ReadDocument("nsm-2022-10.cose");
  const Verdict look = VerifyEveryWay(real, NitroPolicy(Pcr0Of2022()), {.check_freshness = false});
  ASSERT_TRUE(look.passed()) << look.status();
  EvidencePolicy policy = NitroPolicy(Pcr0Of2022());
  for (const uint32_t index : {3, 4}) {
    const Bytes& value = look.claims.registers.at(index);
    policy.reference_values[0].registers = {{index, value}};
    EXPECT_EQ(ErrorCode(CheckEvidencePolicy(policy)), "policy_reference_untelling");
    EXPECT_FALSE(VerifyEveryWay(real, policy, {.check_freshness = false}).passed());
    const Verdict direct =
        NitroVerifier().Verify(real, policy, {.check_freshness = false}, nullptr);
    EXPECT_FALSE(FindCheck(direct, "registers").passed);
    policy.reference_values[0].registers[0] = Pcr0Of2022();
    EXPECT_TRUE(VerifyEveryWay(real, policy, {.check_freshness = false}).passed());
  }
  policy.reference_values[0].registers = {{16, Bytes(48, 0x16)}, {31, Bytes(48, 0x31)}};
  EXPECT_EQ(ErrorCode(CheckEvidencePolicy(policy)), "policy_reference_untelling");
  for (const uint32_t index : {1, 2, 8}) {
    policy.reference_values[0].registers = {{index, look.claims.registers.at(index)}};
    EXPECT_TRUE(VerifyEveryWay(real, policy, {.check_freshness = false}).passed()) << index;
  }
}

TEST(TrapsTest, ADebugDocumentWhoseReferencesMatchIsRefused) {
  Chain chain = Chain::Make();
  NitroDocument content = chain.Content();
  content.registers[0] = Bytes(48);
  content.registers[8] = Bytes(48, 0x88);
  EvidencePolicy policy = chain.Policy();
  policy.reference_values[0].registers = {{8, Bytes(48, 0x88)}};
  Verdict verdict = VerifyEveryWay(chain.Sign(content), policy, ForgeExpectation());
  EXPECT_TRUE(FindCheck(verdict, "registers").passed);
  EXPECT_FALSE(FindCheck(verdict, "debug").passed);
  EXPECT_EQ(ErrorCode(verdict.status()), "evidence_debug");

  // The same of AWS's own: register 4 of a real debug enclave is set.
  const Bytes real = ReadDocument("nsm-debug-2023-09.cose");
  Verdict look = VerifyEveryWay(real, NitroPolicy(Bytes(48, 1)), {.check_freshness = false});
  EvidencePolicy trap = NitroPolicy(Bytes(48, 1));
  trap.reference_values[0].registers = {{4, look.claims.registers.at(4)}};
  EXPECT_EQ(ErrorCode(CheckEvidencePolicy(trap)), "policy_reference_untelling");
  Verdict real_verdict = NitroVerifier().Verify(real, trap, {.check_freshness = false}, nullptr);
  EXPECT_EQ(ErrorCode(real_verdict.status()), "evidence_debug");
}

TEST(TrapsTest, ADocumentWithoutRegister0IsRefused) {
  Chain chain = Chain::Make();
  NitroDocument content = chain.Content();
  content.registers.erase(0);
  content.registers[8] = Bytes(48, 0x88);
  EvidencePolicy policy = chain.Policy();
  policy.reference_values[0].registers = {{8, Bytes(48, 0x88)}};
  Verdict verdict = VerifyEveryWay(chain.Sign(content), policy, ForgeExpectation());
  EXPECT_EQ(ErrorCode(verdict.status()), "evidence_debug");
}

TEST(TrapsTest, AStaleDocumentIsRefusedThoughItsLeafIsStillValid) {
  Chain chain = Chain::Make();
  EvidenceExpectation expectation = ForgeExpectation();
  expectation.now_ms = kForgeTime_ms + 3'600'000;  // the leaf is valid for an hour more
  Verdict verdict = VerifyEveryWay(chain.Document(), chain.Policy(), expectation);
  EXPECT_TRUE(FindCheck(verdict, "certificate_time").passed);
  EXPECT_FALSE(FindCheck(verdict, "freshness").passed);
  EXPECT_EQ(ErrorCode(verdict.status()), "evidence_freshness");
}

TEST(TrapsTest, ARegisterThatThePolicyNamesAndTheDocumentLacksFails) {
  Chain chain = Chain::Make();
  NitroDocument content = chain.Content();
  content.registers.erase(8);
  EvidencePolicy policy = chain.Policy();
  policy.reference_values[0].registers[8] = Bytes(48, 0x88);
  Verdict verdict = VerifyEveryWay(chain.Sign(content), policy, ForgeExpectation());
  EXPECT_FALSE(FindCheck(verdict, "registers").passed);
  EXPECT_EQ(FindCheck(verdict, "registers").found, "no pcr8");
}

TEST(TrapsTest, HalfOfEachOfTwoSetsIsNoSet) {
  Chain chain = Chain::Make();
  NitroDocument content = chain.Content();
  content.registers[1] = Bytes(48, 0x22);
  EvidencePolicy policy = chain.Policy();
  policy.reference_values = {
      {.name = "first", .registers = {{0, Bytes(48, 0x11)}, {1, Bytes(48, 0x33)}}},
      {.name = "second", .registers = {{0, Bytes(48, 0x99)}, {1, Bytes(48, 0x22)}}}};
  EXPECT_EQ(ErrorCode(VerifyEveryWay(chain.Sign(content), policy, ForgeExpectation()).status()),
            "evidence_registers");
}

TEST(TrapsTest, SoftwareEvidenceIsNoNitroEvidence) {
  Chain chain = Chain::Make();
  EvidencePolicy policy = NitroPolicy(Bytes(48, 0x11));
  Verdict verdict = VerifyEveryWay(chain.Document(), policy, ForgeExpectation());
  EXPECT_EQ(CheckNames(verdict), "platform format !chain");
  EXPECT_TRUE(absl::StrContains(FindCheck(verdict, "chain").found, "test root"));
  EXPECT_EQ(verdict.caveat, "");
  EXPECT_TRUE(verdict.claims.registers.empty());
}

TEST(TrapsTest, NitroEvidenceIsNoSoftwareEvidence) {
  EvidencePolicy policy = Chain::Make().Policy();
  policy.reference_values[0].registers[0] = Pcr0Of2025();
  const Bytes document = ReadDocument("nsm-2025-12.cose");
  Verdict verdict = VerifyEveryWay(document, policy, {.check_freshness = false});
  EXPECT_EQ(CheckNames(verdict), "platform format !chain");
  policy.root_pem = ReadTestData("attestation/aws-nitro-root-g1.pem");
  EXPECT_EQ(ErrorCode(CheckEvidencePolicy(policy)), "policy_root_unexpected");
  EXPECT_FALSE(VerifyEveryWay(document, policy, {.check_freshness = false}).passed());
}

TEST(TrapsTest, SoftwareEvidenceSaysThatItProvesNothing) {
  Chain chain = Chain::Make();
  Verdict good = VerifyEveryWay(chain.Document(), chain.Policy(), ForgeExpectation());
  Verdict bad = VerifyEveryWay(Bytes{1, 2, 3}, chain.Policy(), ForgeExpectation());
  for (const Verdict& verdict : {good, bad}) {
    EXPECT_EQ(verdict.caveat,
              "software evidence: for development, proves nothing about the machine");
  }
}

TEST(TrapsTest, AVerifierRefusesAPolicyForAnotherPlatform) {
  Chain chain = Chain::Make();
  EvidencePolicy policy = chain.Policy();
  policy.platform = "aws-nitro";
  Verdict verdict =
      SoftwareVerifier().Verify(chain.Document(), policy, ForgeExpectation(), nullptr);
  EXPECT_EQ(CheckNames(verdict), "!platform");
}

TEST(TrapsTest, AnUnknownPlatformFailsClosed) {
  EvidencePolicy policy = NitroPolicy(Pcr0Of2022());
  policy.platform = "aws-nitro ";
  EXPECT_EQ(FindVerifier(policy.platform), nullptr);
  EXPECT_EQ(CheckNames(VerifyEveryWay(ReadDocument("nsm-2022-10.cose"), policy,
                                      {.check_freshness = false})),
            "!platform");
}

TEST(TrapsTest, AVerdictWithoutChecksHasNotPassed) {
  EXPECT_FALSE(Verdict().passed());
  EXPECT_EQ(ErrorCode(Verdict().status()), "evidence_unchecked");
}

}  // namespace
}  // namespace sealfold
