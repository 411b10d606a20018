// What an instance's document must be, and traps in policies over a TPM's registers.
#include "attest/nitrotpm/nitrotpm_verifier.h"

#include <gtest/gtest.h>

#include "attest/claims_check.h"
#include "attest/nitro/nitro_verifier.h"
#include "attest/software/authority/document_writer.h"
#include "attest/testing/every_way.h"
#include "attest/testing/forge/forge.h"
#include "attest/testing/vectors.h"
#include "attest/x509/chain_cache.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

class NitroTpmTest : public testing::Test {
 protected:
  NitroTpmTest() : content_(chain_.Content()), policy_(NitroTpmPolicy()) {
    content_.registers.clear();
    for (uint32_t i = 0; i < 24; ++i) {
      content_.registers[i] = Bytes(48, i < 8 ? static_cast<uint8_t>(0x10 + i) : 0);
    }
    for (uint32_t i = 17; i < 23; ++i) content_.registers[i] = Bytes(48, 0xff);
    policy_.reference_values[0].registers = {{4, Bytes(48, 0x14)}};
  }

  Bytes Sign() const {
    return WriteNitroDocument(content_, chain_.leaf_key.get(), kNitroTpmDocument);
  }
  // Under the test's root: AWS's own has no key here.
  Verdict Verify() const {
    // With a cache that knows every chain of these tests.
    static ChainCache cache;
    Verdict verdict = VerifyWith(nullptr);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(CheckNames(VerifyWith(&cache)), CheckNames(verdict));
    return verdict;
  }
  Verdict VerifyWith(ChainCache* cache) const {
    Verdict verdict;
    if (CheckPlatform(kAwsNitroTpmPlatform, policy_, verdict)) {
      VerifyNitroDocument(Sign(), {kNitroTpmDocument, kNitroTpmRegisterRules}, chain_.root, policy_,
                          ForgeExpectation(), cache, verdict);
    }
    return verdict;
  }
  std::string ParseCode() const {
    return ErrorCode(ParseNitroDocument(Sign(), kNitroTpmDocument).status());
  }
  // The policy's code, and that evidence equal to it does not pass either where nobody asked for
  // the code.
  std::string TrapCode(const std::map<uint32_t, Bytes>& registers) {
    policy_.reference_values[0].registers = registers;
    for (const auto& [index, value] : registers) content_.registers[index] = value;
    const Verdict verdict = Verify();
    EXPECT_FALSE(FindCheck(verdict, "registers").passed);
    EXPECT_FALSE(verdict.passed());
    return ErrorCode(CheckEvidencePolicy(policy_));
  }

  Chain chain_ = Chain::Make();
  NitroDocument content_;
  EvidencePolicy policy_;
};

TEST_F(NitroTpmTest, AGoodDocumentPasses) {
  EXPECT_EQ(CheckNames(Verify()),
            "platform format chain certificate_time signature debug freshness nonce registers");
  EXPECT_TRUE(CheckEvidencePolicy(policy_).ok());
}

TEST_F(NitroTpmTest, AllRegistersAreThereInTheSha384Bank) {
  content_.registers.erase(23);
  EXPECT_EQ(ParseCode(), "document_field_length");
  content_.registers[24] = Bytes(48, 1);
  EXPECT_EQ(ParseCode(), "document_register_index");
  content_.registers.erase(24);
  for (size_t size : {0, 32, 47, 49, 64}) {
    content_.registers[23] = Bytes(size, 1);
    EXPECT_EQ(ParseCode(), "document_register_value") << size;
  }
  content_.registers[23] = Bytes(48);
  EXPECT_EQ(ParseCode(), "");
  content_.registers[24] = Bytes(48);
  EXPECT_EQ(ParseCode(), "document_field_length");
}

TEST_F(NitroTpmTest, FieldsAreBoundedByThisPlatformsLimits) {
  for (std::optional<Bytes> NitroDocument::*field :
       {&NitroDocument::nonce, &NitroDocument::user_data, &NitroDocument::public_key}) {
    content_.*field = Bytes(1024, 1);
    EXPECT_EQ(ParseCode(), "");
    content_.*field = Bytes(1025, 1);
    EXPECT_EQ(ParseCode(), "document_field_length");
    content_.*field = Bytes(4, 1);
  }
  EXPECT_EQ(ErrorCode(ParseNitroDocument(Bytes(0x2001), kNitroTpmDocument).status()),
            "cbor_too_large");
}

TEST_F(NitroTpmTest, AMachineThatMeasuredNoBootIsRefused) {
  for (uint8_t unset : {0x00, 0xff}) {
    content_.registers[4] = Bytes(48, unset);
    policy_.reference_values[0].registers = {{7, Bytes(48, 0x17)}};
    Verdict verdict = Verify();
    EXPECT_TRUE(FindCheck(verdict, "registers").passed);
    EXPECT_EQ(ErrorCode(verdict.status()), "evidence_debug");
  }
}

// AWS keeps them constant: every instance in the world has these.
TEST_F(NitroTpmTest, FirmwareRegistersAloneAcceptNothing) {
  EXPECT_EQ(TrapCode({{0, Bytes(48, 0x10)}, {1, Bytes(48, 0x11)}, {6, Bytes(48, 0x16)}}),
            "policy_reference_untelling");
}

TEST_F(NitroTpmTest, RegistersThatAnyProgramCanSetAreRefused) {
  EXPECT_EQ(TrapCode({{4, Bytes(48, 0x14)}, {16, Bytes(48, 0x55)}}), "policy_register_resettable");
  EXPECT_EQ(TrapCode({{4, Bytes(48, 0x14)}, {23, Bytes(48, 0x55)}}), "policy_register_resettable");
}

TEST_F(NitroTpmTest, RegistersOfADynamicLaunchThatNeverWasAcceptNothing) {
  EXPECT_EQ(TrapCode({{17, Bytes(48, 0xff)}}), "policy_register_ones");
  EXPECT_EQ(TrapCode({{4, Bytes(48, 0x14)}, {17, Bytes(48, 0xff)}}), "policy_register_ones");
}

TEST_F(NitroTpmTest, ZeroAcceptsNothingWhereFirmwareMeasures) {
  EXPECT_EQ(TrapCode({{4, Bytes(48)}}), "policy_register_zero");
  EXPECT_EQ(TrapCode({{4, Bytes(48, 0x14)}, {5, Bytes(48)}}), "policy_register_zero");
  EXPECT_EQ(TrapCode({{11, Bytes(48)}}), "policy_reference_untelling");
}

// A command line from outside the image would be measured into register 12.
TEST_F(NitroTpmTest, ThatNothingWasAddedToTheImageCanBeDemanded) {
  policy_.reference_values[0].registers[12] = Bytes(48);
  EXPECT_TRUE(CheckEvidencePolicy(policy_).ok());
  EXPECT_TRUE(Verify().passed());
  content_.registers[12] = Bytes(48, 1);
  EXPECT_EQ(ErrorCode(Verify().status()), "evidence_registers");
}

TEST_F(NitroTpmTest, PoliciesAreHeldToThisPlatformsRegisters) {
  policy_.reference_values[0].registers = {{4, Bytes(32, 1)}};
  EXPECT_EQ(ErrorCode(CheckEvidencePolicy(policy_)), "policy_register_length");
  policy_.reference_values[0].registers = {{4, Bytes(48, 1)}, {24, Bytes(48, 1)}};
  EXPECT_EQ(ErrorCode(CheckEvidencePolicy(policy_)), "policy_register_index");
  policy_ = NitroTpmPolicy();
  policy_.root_pem = chain_.root.Pem();
  EXPECT_EQ(ErrorCode(CheckEvidencePolicy(policy_)), "policy_root_unexpected");
}

TEST_F(NitroTpmTest, ADocumentUnderAnotherRootIsRefused) {
  Verdict verdict = VerifyEveryWay(Sign(), policy_, ForgeExpectation());
  EXPECT_EQ(CheckNames(verdict), "platform format !chain");
}

TEST_F(NitroTpmTest, AVerifierRefusesAPolicyForAnotherPlatform) {
  policy_.platform = "aws-nitro";
  EXPECT_EQ(CheckNames(NitroTpmVerifier().Verify(Sign(), policy_, ForgeExpectation(), nullptr)),
            "!platform");
}

}  // namespace
}  // namespace sealfold
