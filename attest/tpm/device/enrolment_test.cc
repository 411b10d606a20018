// Enrolment between the verifier's half and a real (software) TPM.
#include "attest/tpm/enrol/enrolment.h"

#include <gtest/gtest.h>

#include <functional>

#include "attest/testing/devices/swtpm.h"
#include "attest/testing/forge/forge.h"
#include "attest/tpm/device/tpm_keys.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"

namespace sealfold {
namespace {

class EnrolmentTest : public testing::TestWithParam<EndorsementKeyKind> {
 protected:
  EnrolmentTest()
      : esys_(swtpm_.Connect()),
        endorsement_(CreateEndorsementKey(esys_, GetParam()).value()),
        attestation_(CreateAttestationKey(esys_, kTpmEndorsement).value()),
        request_{.endorsement_key = endorsement_.public_area.bytes,
                 .attestation_key = attestation_.public_area.bytes},
        trust_{.endorsement_keys = {endorsement_.public_area.Name()}} {}

  absl::StatusOr<Enrolment> Start() const {
    return Enrolment::Start(request_, trust_, kForgeTime_s, RandomSecret(32));
  }

  Swtpm swtpm_;
  Esys esys_;
  TpmKey endorsement_, attestation_;
  EnrolmentRequest request_;
  EndorsementTrust trust_;
};

TEST_P(EnrolmentTest, TheTpmThatHoldsBothKeysIsEnrolled) {
  auto enrolment = Start();
  ASSERT_TRUE(enrolment.ok()) << enrolment.status();
  auto answer = ActivateCredential(esys_, attestation_, endorsement_, enrolment->credential());
  ASSERT_TRUE(answer.ok()) << answer.status();
  auto name = enrolment->Finish(*answer);
  ASSERT_TRUE(name.ok()) << name.status();
  EXPECT_EQ(*name, attestation_.public_area.Name());
  EXPECT_EQ(ErrorCode(enrolment->Finish(*answer).status()), "credential_wrong") << "only once";
}

TEST_P(EnrolmentTest, ASavedEnrolmentIsFinishedByAnotherProcess) {
  auto enrolment = Start();
  auto answer = ActivateCredential(esys_, attestation_, endorsement_, enrolment->credential());
  ASSERT_TRUE(answer.ok()) << answer.status();
  const Secret saved = enrolment->Save();
  EXPECT_EQ(ErrorCode(Enrolment::Resume(saved.span())->Finish(Bytes(32)).status()),
            "credential_wrong");
  EXPECT_EQ(Enrolment::Resume(saved.span())->Finish(*answer).value(),
            attestation_.public_area.Name());
  for (const size_t size : {size_t{0}, size_t{20}, size_t{27}, saved.size() - 17}) {
    EXPECT_EQ(ErrorCode(Enrolment::Resume(saved.span().first(size)).status()),
              "enrolment_malformed")
        << size;
  }
  Bytes longer = ToBytes(saved.span());
  longer.push_back(0);
  EXPECT_EQ(ErrorCode(Enrolment::Resume(longer).status()), "enrolment_malformed");
  longer.front() ^= 1;
  longer.pop_back();
  EXPECT_EQ(ErrorCode(Enrolment::Resume(longer).status()), "enrolment_malformed");
}

TEST_P(EnrolmentTest, AWrongAnswerEnrolsNothing) {
  auto enrolment = Start();
  EXPECT_EQ(ErrorCode(enrolment->Finish(Bytes(32)).status()), "credential_wrong");
  enrolment = Start();
  EXPECT_EQ(ErrorCode(enrolment->Finish({}).status()), "credential_wrong");
}

TEST_P(EnrolmentTest, AnotherTpmCannotOpenTheCredential) {
  Swtpm other;
  const Esys esys = other.Connect();
  const TpmKey endorsement = CreateEndorsementKey(esys, GetParam()).value();
  const TpmKey attestation = CreateAttestationKey(esys, kTpmEndorsement).value();
  EXPECT_FALSE(ActivateCredential(esys, attestation, endorsement, Start()->credential()).ok());
}

// The machine names a key that is not in its TPM, or another one there.
TEST_P(EnrolmentTest, TheCredentialIsForTheKeyThatWasNamed) {
  const auto enrolment = Start();
  const TpmKey another = CreateAttestationKey(esys_, kTpmOwner).value();
  EXPECT_FALSE(ActivateCredential(esys_, another, endorsement_, enrolment->credential()).ok());
}

TEST_P(EnrolmentTest, AChangedCredentialIsNotOpened) {
  const TpmCredential good = Start()->credential();
  for (size_t i = 0; i < good.blob.size(); i += 7) {
    TpmCredential changed = good;
    changed.blob[i] ^= 1;
    EXPECT_FALSE(ActivateCredential(esys_, attestation_, endorsement_, changed).ok()) << i;
  }
  TpmCredential large = good;
  large.blob.resize(5000);
  EXPECT_EQ(ErrorCode(ActivateCredential(esys_, attestation_, endorsement_, large).status()),
            "credential_malformed");
}

TEST_P(EnrolmentTest, AnUnknownEndorsementKeyIsRefused) {
  trust_.endorsement_keys = {Bytes(34)};
  EXPECT_EQ(ErrorCode(Start().status()), "endorsement_key");
  trust_.endorsement_keys.clear();
  EXPECT_EQ(ErrorCode(Start().status()), "endorsement_key");
}

TEST_P(EnrolmentTest, KeysOfOtherKindsAreRefused) {
  std::swap(request_.endorsement_key, request_.attestation_key);
  EXPECT_EQ(ErrorCode(Start().status()), "endorsement_key");
  request_.endorsement_key = endorsement_.public_area.bytes;
  request_.attestation_key = endorsement_.public_area.bytes;
  EXPECT_EQ(ErrorCode(Start().status()), "attestation_key");
  request_.attestation_key = {};
  EXPECT_EQ(ErrorCode(Start().status()), "tpm_truncated");
}

// A stranger sends what nothing can be encrypted to, or what is on no curve.
TEST_P(EnrolmentTest, AnEndorsementKeyThatIsNoneIsRefused) {
  request_.endorsement_key.back() ^= 1;
  TpmPublic changed = endorsement_.public_area;
  changed.bytes = request_.endorsement_key;
  trust_.endorsement_keys = {changed.Name()};
  EXPECT_EQ(ErrorCode(Start().status()),
            GetParam() == EndorsementKeyKind::kRsa2048 ? "tpm_field" : "tpm_key");
}

// As a TPM's maker certifies its endorsement key.
class CertifiedEnrolmentTest : public EnrolmentTest {
 protected:
  void Certify(EVP_PKEY* key) {
    const UniqueKey root_key = GenerateP384Key();
    const Certificate root = IssueCertificate(spec_.root, root_key.get(), nullptr);
    const Issuer issuer{root, root_key.get()};
    const Certificate leaf = IssueCertificate(spec_.leaf, key, &issuer);
    request_.certificates = {root.der(), leaf.der()};
    trust_ = {.root_pem = root.Pem()};
  }
  std::string Code() {
    Certify(endorsement_.public_area.Key()->get());
    return ErrorCode(Start().status());
  }
  CertifiedEnrolmentTest() {
    spec_.leaf.key_usage = GetParam() == EndorsementKeyKind::kRsa2048 ? "critical,keyEncipherment"
                                                                      : "critical,keyAgreement";
    spec_.leaf.extended_key_usage = "2.23.133.8.1";
  }

  ChainSpec spec_;
};

TEST_P(CertifiedEnrolmentTest, ACertifiedEndorsementKeyIsBelieved) { EXPECT_EQ(Code(), ""); }

TEST_P(CertifiedEnrolmentTest, CertificatesAreHeldToTheirUse) {
  const ChainSpec good = spec_;
  spec_.leaf.extended_key_usage = "2.23.133.8.3";
  EXPECT_EQ(Code(), "chain") << "an attestation key's";
  spec_ = good;
  spec_.leaf.key_usage = "critical,digitalSignature";
  EXPECT_EQ(Code(), "chain");
  spec_ = good;
  spec_.leaf.not_after_s = kForgeTime_s - 1;
  EXPECT_EQ(Code(), "certificate_time");
  spec_ = good;
  Certify(attestation_.public_area.Key()->get());
  EXPECT_EQ(ErrorCode(Start().status()), "chain") << "of another key";
  Certify(endorsement_.public_area.Key()->get());
  request_.certificates.clear();
  EXPECT_EQ(ErrorCode(Start().status()), "chain") << "none";
}

const auto kKinds = testing::Values(EndorsementKeyKind::kRsa2048, EndorsementKeyKind::kEccP256);
constexpr auto kKindName = [](const auto& tested) {
  return tested.param == EndorsementKeyKind::kRsa2048 ? "Rsa" : "Ecc";
};
INSTANTIATE_TEST_SUITE_P(Kinds, EnrolmentTest, kKinds, kKindName);
INSTANTIATE_TEST_SUITE_P(Kinds, CertifiedEnrolmentTest, kKinds, kKindName);

}  // namespace
}  // namespace sealfold
