// A build without the software platform: linked with a find_verifier.cc that was compiled without
// it.
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "attest/testing/vectors.h"
#include "attest/verifier.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

TEST(ReleaseBuildTest, HasNoSoftwarePlatform) {
  EXPECT_EQ(FindVerifier("sealfold-softnsm"), nullptr);
  ASSERT_NE(FindVerifier("aws-nitro"), nullptr);
  EXPECT_EQ(FindVerifier("aws-nitro")->platform(), "aws-nitro");
  ASSERT_NE(FindVerifier("aws-nitrotpm"), nullptr);
}

TEST(ReleaseBuildTest, FailsClosedOnItsEvidence) {
  EvidencePolicy policy = NitroPolicy(Pcr0Of2022());
  const Bytes document = ReadDocument("nsm-2022-10.cose");
  ASSERT_TRUE(VerifyEvidence(document, policy, {.check_freshness = false}).passed());

  policy.platform = "sealfold-softnsm";
  policy.root_pem = ReadTestData("attestation/aws-nitro-root-g1.pem");
  EXPECT_EQ(ErrorCode(CheckEvidencePolicy(policy)), "policy_platform_unknown");
  Verdict verdict = VerifyEvidence(document, policy, {.check_freshness = false});
  EXPECT_EQ(CheckNames(verdict), "!platform");
  EXPECT_FALSE(verdict.passed());
  EXPECT_EQ(ErrorCode(verdict.status()), "evidence_platform");
  EXPECT_TRUE(absl::StrContains(verdict.status().message(), "sealfold-softnsm"));
}

}  // namespace
}  // namespace sealfold
