#include <gtest/gtest.h>

#include "attest/testing/forge/forge.h"
#include "attest/testing/vectors.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

std::string CodeOf(const EvidencePolicy& policy) { return ErrorCode(CheckEvidencePolicy(policy)); }

TEST(EvidencePolicyTest, GoodOnesAreAccepted) {
  EXPECT_TRUE(CheckEvidencePolicy(NitroPolicy(Pcr0Of2022())).ok());
  EvidencePolicy software = Chain::Make().Policy();
  software.reference_values.push_back(
      {.name = "next", .registers = {{0, Bytes(48, 1)}, {31, Bytes(48, 2)}}});
  EXPECT_TRUE(CheckEvidencePolicy(software).ok());
}

TEST(EvidencePolicyTest, PlatformsAreThoseOfTheBuild) {
  EvidencePolicy policy = NitroPolicy(Pcr0Of2022());
  for (const char* name : {"", "nitro", "AWS-NITRO", "aws-nitro-tpm"}) {
    policy.platform = name;
    EXPECT_EQ(CodeOf(policy), "policy_platform_unknown") << name;
  }
}

TEST(EvidencePolicyTest, ReferenceValuesMustSaySomething) {
  EvidencePolicy policy = NitroPolicy(Pcr0Of2022());
  policy.reference_values.push_back({.name = "second", .registers = {{3, Bytes(48)}}});
  EXPECT_EQ(CodeOf(policy), "policy_register_zero");
  policy.reference_values[1].registers = {};
  EXPECT_EQ(CodeOf(policy), "policy_reference_empty");
  policy.reference_values.clear();
  EXPECT_EQ(CodeOf(policy), "policy_references_empty");
}

TEST(EvidencePolicyTest, RegistersHaveAnIndexAndALength) {
  for (size_t size : {0, 32, 47, 49, 64}) {
    EXPECT_EQ(CodeOf(NitroPolicy(Bytes(size, 1))), "policy_register_length") << size;
  }
  EvidencePolicy policy = NitroPolicy(Pcr0Of2022());
  policy.reference_values[0].registers[32] = Bytes(48, 1);
  EXPECT_EQ(CodeOf(policy), "policy_register_index");
}

TEST(EvidencePolicyTest, NitrosRootIsBuiltIn) {
  EvidencePolicy policy = NitroPolicy(Pcr0Of2022());
  policy.root_pem = Chain::Make().root.Pem();
  EXPECT_EQ(CodeOf(policy), "policy_root_unexpected");
}

TEST(EvidencePolicyTest, SoftwaresRootIsOneCaCertificate) {
  Chain chain = Chain::Make();
  EvidencePolicy policy = chain.Policy();
  policy.root_pem = "";
  EXPECT_EQ(CodeOf(policy), "policy_root_missing");
  const std::string pem = chain.root.Pem();
  for (const std::string& bad :
       {std::string("certificate"), pem.substr(0, pem.size() / 2), pem + pem, chain.leaf.Pem(),
        chain.intermediates[0].Pem(), std::string(100'000, 'x')}) {
    policy.root_pem = bad;
    EXPECT_EQ(CodeOf(policy), "policy_root_malformed") << bad.substr(0, 80);
  }
  policy.root_pem = "a comment\n" + pem;
  EXPECT_TRUE(CheckEvidencePolicy(policy).ok());
}

TEST(EvidencePolicyTest, ErrorsSayWhatToLookAt) {
  EvidencePolicy policy = NitroPolicy(Bytes(48));
  Explanation explanation = Explain(CheckEvidencePolicy(policy));
  EXPECT_EQ(explanation.what, "policy's pcr0 in reference values 'release'");
  EXPECT_EQ(explanation.found, "all zero, as in debug mode");
}

}  // namespace
}  // namespace sealfold
