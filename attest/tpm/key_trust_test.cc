// Attestation keys that a certificate vouches for.
#include "attest/tpm/key_trust.h"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include <optional>

#include "absl/strings/match.h"
#include "attest/testing/every_way.h"
#include "attest/testing/forge/forge.h"
#include "attest/testing/forge/forge_list.h"
#include "attest/testing/forge/forge_tpm.h"
#include "attest/testing/vectors.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr char kAik[] = "2.23.133.8.3";  // tcg-kp-AIKCertificate

class KeyTrustTest : public testing::Test {
 protected:
  KeyTrustTest() { spec_.leaf.extended_key_usage = kAik; }

  // Evidence by `key_` with the chain that `spec_` describes, its leaf for `certified`.
  Verdict Verify(EVP_PKEY* certified) {
    Issue(certified);
    TpmEvidence evidence = ForgeTpmEvidence(key_);
    evidence.certificates = certificates_;
    Requote(evidence, key_);
    EvidencePolicy policy = ForgeTpmPolicy(key_);
    policy.attestation_keys.clear();
    policy.root_pem = root_pem_;
    if (list_.has_value()) {
      policy.revocation =
          std::make_shared<const RevocationLists>(RevocationLists{.lists = ParseLists({*list_})});
    }
    EXPECT_TRUE(CheckEvidencePolicy(policy).ok()) << CheckEvidencePolicy(policy);
    return VerifyEveryWay(EncodeTpmEvidence(evidence), policy, ForgeExpectation());
  }
  std::string Names() { return CheckNames(Verify(key_.key.get())); }
  void Issue(EVP_PKEY* certified) {
    const UniqueKey root_key = make_key_();
    const Certificate root = IssueCertificate(spec_.root, root_key.get(), nullptr);
    const UniqueKey middle_key = make_key_();
    const Issuer by_root{root, root_key.get()};
    const Certificate middle = IssueCertificate(spec_.intermediates[0], middle_key.get(), &by_root);
    const Issuer by_middle{middle, middle_key.get()};
    const Certificate leaf = IssueCertificate(spec_.leaf, certified, &by_middle);
    if (revoke_.has_value()) {
      list_ = ForgeList(
          {.revoked = *revoke_ ? std::vector<Certificate>{leaf} : std::vector<Certificate>{}},
          middle, middle_key.get());
    }
    root_pem_ = root.Pem();
    certificates_ = {root.der(), middle.der(), leaf.der()};
  }

  ForgedKey key_ = ForgedKey::Ecdsa();
  ChainSpec spec_;
  std::function<UniqueKey()> make_key_ = [] { return GenerateP384Key(); };
  std::optional<bool> revoke_;  // the leaf, by its issuer's list; none: no list
  std::optional<Bytes> list_;
  std::string root_pem_;
  std::vector<Bytes> certificates_;
};

TEST_F(KeyTrustTest, ACertifiedKeyPasses) {
  const Verdict verdict = Verify(key_.key.get());
  EXPECT_EQ(CheckNames(verdict),
            "platform format attestation_key chain certificate_time signature quote "
            "qualifying_data freshness nonce registers");
}

TEST_F(KeyTrustTest, ARevokedKeyIsRefused) {
  spec_.intermediates[0].key_usage = "critical,keyCertSign,cRLSign";
  revoke_ = false;
  EXPECT_TRUE(FindCheck(Verify(key_.key.get()), "revocation").passed);
  revoke_ = true;
  EXPECT_EQ(Names(), "platform format attestation_key chain certificate_time !revocation");
}

TEST_F(KeyTrustTest, AuthoritiesOnOtherUsualKeysPass) {
  make_key_ = [] { return UniqueKey(EVP_EC_gen("P-256"), &EVP_PKEY_free); };
  EXPECT_TRUE(Verify(key_.key.get()).passed());
  make_key_ = [] { return UniqueKey(EVP_RSA_gen(2048), &EVP_PKEY_free); };
  EXPECT_TRUE(Verify(key_.key.get()).passed());
  key_ = ForgedKey::Rsa(kTpmAlgRsaSsa);
  EXPECT_TRUE(Verify(key_.key.get()).passed());
}

// Any certificate of the same authority would do otherwise, of a key that signs anything.
TEST_F(KeyTrustTest, ACertificateForAnotherUseIsRefused) {
  for (const char* usage : {"", "serverAuth", "2.23.133.8.1"}) {
    spec_.leaf.extended_key_usage = usage;
    EXPECT_EQ(Names(), "platform format attestation_key !chain") << usage;
  }
}

TEST_F(KeyTrustTest, ACertificateOfAnotherKeyIsRefused) {
  const ForgedKey other = ForgedKey::Ecdsa();
  const Verdict verdict = Verify(other.key.get());
  EXPECT_EQ(CheckNames(verdict), "platform format attestation_key !chain");
  EXPECT_TRUE(absl::StartsWith(FindCheck(verdict, "chain").found, "one of another key"));
}

TEST_F(KeyTrustTest, CertificatesAreJudgedAtTheEvidencesTime) {
  spec_.leaf.not_after_s = kForgeTime_s - 1;
  EXPECT_EQ(Names(), "platform format attestation_key !certificate_time");
}

TEST_F(KeyTrustTest, ACaAsLeafIsRefused) {
  spec_.leaf.basic_constraints = "critical,CA:TRUE";
  EXPECT_EQ(Names(), "platform format attestation_key !chain");
}

TEST_F(KeyTrustTest, AnIntermediateThatIsNoCaIsRefused) {
  spec_.intermediates[0].basic_constraints = "critical,CA:FALSE";
  EXPECT_EQ(Names(), "platform format attestation_key !chain");
}

TEST_F(KeyTrustTest, AnotherRootOrNoneIsRefused) {
  Issue(key_.key.get());
  EvidencePolicy policy = ForgeTpmPolicy(key_);
  policy.attestation_keys.clear();
  policy.root_pem = root_pem_;
  Issue(key_.key.get());  // the same names under another root key
  TpmEvidence evidence = ForgeTpmEvidence(key_);
  for (const std::vector<Bytes>& given :
       {certificates_, std::vector<Bytes>{}, std::vector<Bytes>{certificates_[0]}}) {
    evidence.certificates = given;
    EXPECT_EQ(CheckNames(VerifyEveryWay(EncodeTpmEvidence(evidence), policy, ForgeExpectation())),
              "platform format attestation_key !chain");
  }
}

TEST_F(KeyTrustTest, WeakKeysAreRefusedAsRoots) {
  const UniqueKey weak(EVP_RSA_gen(1024), &EVP_PKEY_free);
  EvidencePolicy policy = ForgeTpmPolicy(key_);
  policy.root_pem = IssueCertificate(spec_.root, weak.get(), nullptr).Pem();
  EXPECT_EQ(ErrorCode(CheckEvidencePolicy(policy)), "policy_root_malformed");
}

// A chain would never be said to end in it: all evidence would be refused, and nobody told why.
TEST_F(KeyTrustTest, AnIntermediateIsRefusedAsRoot) {
  Issue(key_.key.get());
  EvidencePolicy policy = ForgeTpmPolicy(key_);
  policy.root_pem = Certificate::FromDer(certificates_[1]).value().Pem();
  const absl::Status status = CheckEvidencePolicy(policy);
  EXPECT_EQ(ErrorCode(status), "policy_root_malformed");
  EXPECT_EQ(Explain(status).found, "one issued by another");
}

TEST_F(KeyTrustTest, AKeyThatThePolicyNamesNeedsNoCertificate) {
  Issue(key_.key.get());
  EvidencePolicy policy = ForgeTpmPolicy(key_);
  policy.root_pem = root_pem_;
  const auto verify = [&] {
    return VerifyEveryWay(EncodeTpmEvidence(ForgeTpmEvidence(key_)), policy, ForgeExpectation());
  };
  EXPECT_TRUE(verify().passed());
  // Nor lists; that they were not looked at is told.
  policy.revocation =
      std::make_shared<const RevocationLists>(RevocationLists{.demand = ListDemand::kEvery});
  EXPECT_EQ(CheckNames(verify()),
            "platform format attestation_key chain revocation_coverage signature quote "
            "qualifying_data freshness nonce registers");
}

}  // namespace
}  // namespace sealfold
