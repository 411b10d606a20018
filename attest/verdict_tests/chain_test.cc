// Chains that must not be accepted, seen through whole documents signed by their leaf.
#include <gtest/gtest.h>

#include <algorithm>

#include "absl/strings/match.h"
#include "attest/testing/every_way.h"
#include "attest/testing/forge/forge.h"
#include "attest/testing/vectors.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

Verdict VerifyWith(const Chain& chain) {
  return VerifyEveryWay(chain.Document(), chain.Policy(), ForgeExpectation());
}

// The check that fails, and its `found`.
void ExpectFailure(const ChainSpec& spec, const std::string& check, absl::string_view found) {
  Verdict verdict = VerifyWith(Chain::Make(spec));
  EXPECT_EQ(CheckNames(verdict), "platform format !" + check);
  EXPECT_TRUE(absl::StrContains(FindCheck(verdict, check).found, found))
      << FindCheck(verdict, check).found;
}

TEST(ChainTest, LongerAndShorterChainsPass) {
  ChainSpec spec;
  spec.AddIntermediate();
  spec.AddIntermediate();
  EXPECT_TRUE(VerifyWith(Chain::Make(spec)).passed());
  spec.intermediates.clear();
  EXPECT_TRUE(VerifyWith(Chain::Make(spec)).passed());
}

TEST(ChainTest, AnotherRootOfTheSameName) {
  Chain pinned = Chain::Make();
  Chain other = Chain::Make();
  Verdict verdict = VerifyEveryWay(other.Document(), pinned.Policy(), ForgeExpectation());
  EXPECT_EQ(CheckNames(verdict), "platform format !chain");
  EXPECT_TRUE(
      absl::StrContains(FindCheck(verdict, "chain").found, other.root.Fingerprint().substr(0, 16)));

  // And with the pinned root put in front of the other's certificates.
  NitroDocument content = other.Content();
  content.cabundle[0] = pinned.root.der();
  verdict = VerifyEveryWay(other.Sign(content), pinned.Policy(), ForgeExpectation());
  EXPECT_EQ(CheckNames(verdict), "platform format !chain");
}

TEST(ChainTest, ALeafThatHasExpired) {
  ChainSpec spec;
  spec.leaf.not_after_s = kForgeTime_s - 1;
  ExpectFailure(spec, "certificate_time", "valid 2026-05-31T23:00:00Z to 2026-05-31T23:59:59Z");
  spec.leaf.not_after_s = kForgeTime_s + 1;
  EXPECT_TRUE(VerifyWith(Chain::Make(spec)).passed());
}

TEST(ChainTest, ALeafThatIsNotYetValid) {
  ChainSpec spec;
  spec.leaf.not_before_s = kForgeTime_s + 1;
  ExpectFailure(spec, "certificate_time", "valid 2026-06-01T00:00:01Z");
}

TEST(ChainTest, AnIntermediateOrRootThatHasExpired) {
  ChainSpec spec;
  spec.intermediates[0].not_after_s = kForgeTime_s - 1;
  ExpectFailure(spec, "certificate_time", "to 2026-05-31T23:59:59Z");
  ChainSpec root_spec;
  root_spec.root.not_after_s = kForgeTime_s - 1;
  ExpectFailure(root_spec, "certificate_time", "to 2026-05-31T23:59:59Z");
}

TEST(ChainTest, ALeafThatIsACa) {
  ChainSpec spec;
  spec.leaf.basic_constraints = "critical,CA:TRUE";
  ExpectFailure(spec, "chain", "a CA certificate");
}

TEST(ChainTest, ALeafThatMaySignCertificates) {
  ChainSpec spec;
  spec.leaf.key_usage = "critical,digitalSignature,keyCertSign";
  ExpectFailure(spec, "chain", "another keyUsage");
}

TEST(ChainTest, ALeafThatMayNotSignDocuments) {
  ChainSpec spec;
  spec.leaf.key_usage = "critical,keyAgreement";
  ExpectFailure(spec, "chain", "another keyUsage");
  spec.leaf.key_usage = "";
  ExpectFailure(spec, "chain", "another keyUsage");
}

TEST(ChainTest, ALeafOnAnotherCurve) {
  ChainSpec spec;
  spec.leaf_curve = "P-256";
  ExpectFailure(spec, "chain", "prime256v1");
}

TEST(ChainTest, AnIntermediateThatIsNoCa) {
  ChainSpec spec;
  spec.intermediates[0].basic_constraints = "critical,CA:FALSE";
  ExpectFailure(spec, "chain", "not a CA");
  spec.intermediates[0].basic_constraints = "";
  ExpectFailure(spec, "chain", "not a CA");
}

TEST(ChainTest, AnIntermediateThatMayNotSignCertificates) {
  ChainSpec spec;
  spec.intermediates[0].key_usage = "critical,digitalSignature";
  ExpectFailure(spec, "chain", "keyUsage");
  spec.intermediates[0].key_usage = "";
  ExpectFailure(spec, "chain", "keyUsage");
}

TEST(ChainTest, AChainLongerThanAPathLengthAllows) {
  ChainSpec spec;
  spec.AddIntermediate();
  spec.intermediates[0].basic_constraints = "critical,CA:TRUE,pathlen:1";
  EXPECT_TRUE(VerifyWith(Chain::Make(spec)).passed());
  spec.intermediates[0].basic_constraints = "critical,CA:TRUE,pathlen:0";
  ExpectFailure(spec, "chain", "path length");
}

// A holder of a leaf that issues a certificate with it.
TEST(ChainTest, ALeafAsIssuer) {
  ChainSpec spec;
  spec.AddIntermediate();
  spec.intermediates[1].basic_constraints = "critical,CA:FALSE";
  spec.intermediates[1].key_usage = "critical,digitalSignature";
  ExpectFailure(spec, "chain", "not a CA");
}

TEST(ChainTest, ABundleInAnotherOrderOrWithAnIntruder) {
  ChainSpec spec;
  spec.AddIntermediate();
  Chain chain = Chain::Make(spec);
  NitroDocument content = chain.Content();
  std::swap(content.cabundle[1], content.cabundle[2]);
  Verdict verdict = VerifyEveryWay(chain.Sign(content), chain.Policy(), ForgeExpectation());
  EXPECT_EQ(CheckNames(verdict), "platform format !chain");
  EXPECT_TRUE(absl::StrContains(FindCheck(verdict, "chain").found, "another order"));

  content = chain.Content();
  content.cabundle.push_back(Chain::Make().intermediates[0].der());
  verdict = VerifyEveryWay(chain.Sign(content), chain.Policy(), ForgeExpectation());
  EXPECT_EQ(CheckNames(verdict), "platform format !chain");

  content = chain.Content();
  content.cabundle.push_back(content.cabundle[2]);
  verdict = VerifyEveryWay(chain.Sign(content), chain.Policy(), ForgeExpectation());
  EXPECT_EQ(CheckNames(verdict), "platform format !chain");

  content = chain.Content();
  content.cabundle.erase(content.cabundle.begin() + 1);
  verdict = VerifyEveryWay(chain.Sign(content), chain.Policy(), ForgeExpectation());
  EXPECT_EQ(CheckNames(verdict), "platform format !chain");
}

TEST(ChainTest, ADocumentSignedByAnotherKeyThanTheLeafs) {
  Chain chain = Chain::Make();
  Chain other = Chain::Make();
  Verdict verdict = VerifyEveryWay(other.Sign(chain.Content()), chain.Policy(), ForgeExpectation());
  EXPECT_EQ(CheckNames(verdict), "platform format chain certificate_time !signature");
}

TEST(ChainTest, CertificatesThatAreNone) {
  Chain chain = Chain::Make();
  NitroDocument content = chain.Content();
  content.certificate.push_back(0);
  EXPECT_EQ(CheckNames(VerifyEveryWay(chain.Sign(content), chain.Policy(), ForgeExpectation())),
            "platform !format");
  content = chain.Content();
  content.cabundle[1] = {1, 2, 3};
  EXPECT_EQ(CheckNames(VerifyEveryWay(chain.Sign(content), chain.Policy(), ForgeExpectation())),
            "platform !format");
  content = chain.Content();
  content.cabundle[0] = {1, 2, 3};
  Verdict verdict = VerifyEveryWay(chain.Sign(content), chain.Policy(), ForgeExpectation());
  EXPECT_EQ(CheckNames(verdict), "platform format !chain");
}

}  // namespace
}  // namespace sealfold
