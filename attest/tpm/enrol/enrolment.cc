#include "attest/tpm/enrol/enrolment.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/claims_check.h"
#include "attest/tpm/certified_key.h"
#include "attest/tpm/structure/tpm_hash.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr size_t kSecretSizeMin = 16;
constexpr size_t kSecretSizeMax = 32;
// A saved enrolment: this line, the key's name, the secret.
constexpr absl::string_view kSavedHead = "sealfold-tpm2-enrolment-1\n";

absl::Status RefusedKey(absl::string_view code, std::string expected, std::string found) {
  return Refused({.code = std::string(code),
                  .what = "endorsement key",
                  .expected = std::move(expected),
                  .found = std::move(found),
                  .advice = "name the TPM's own key, or trust the root of its maker"});
}

// A storage key that the TPM made and keeps: it opens credentials, and nothing else can.
absl::Status CheckEndorsementKey(const TpmPublic& key) {
  constexpr uint32_t kNeeded =
      kTpmFixedTpm | kTpmFixedParent | kTpmSensitiveDataOrigin | kTpmRestricted | kTpmDecrypt;
  if ((key.attributes & kNeeded) == kNeeded && (key.attributes & kTpmSign) == 0 &&
      key.symmetric == kTpmAlgAes) {
    return absl::OkStatus();
  }
  return RefusedKey("endorsement_key",
                    "restricted, decrypt, fixedTPM, fixedParent, sensitiveDataOrigin and not sign",
                    absl::StrCat("attributes 0x", absl::Hex(key.attributes)));
}

}  // namespace

absl::StatusOr<Enrolment> Enrolment::Start(const EnrolmentRequest& request,
                                           const EndorsementTrust& trust, int64_t time_s,
                                           Secret secret) {
  SEALFOLD_CHECK(secret.size() >= kSecretSizeMin && secret.size() <= kSecretSizeMax);
  SEALFOLD_ASSIGN_OR_RETURN(const TpmPublic endorsement, ParseTpmPublic(request.endorsement_key));
  SEALFOLD_ASSIGN_OR_RETURN(const TpmPublic attestation, ParseTpmPublic(request.attestation_key));
  SEALFOLD_RETURN_IF_ERROR(CheckEndorsementKey(endorsement));
  SEALFOLD_RETURN_IF_ERROR(CheckAttestationKey(attestation));
  const Bytes name = endorsement.Name();
  const std::vector<Bytes>& named = trust.endorsement_keys;
  if (std::find(named.begin(), named.end(), name) == named.end()) {
    if (trust.root_pem.empty()) {
      return RefusedKey("endorsement_key", "one that is named", ShortHex(name));
    }
    SEALFOLD_ASSIGN_OR_RETURN(const Certificate root, Certificate::FromPem(trust.root_pem));
    SEALFOLD_RETURN_IF_ERROR(CheckCertified({.name = "endorsement key",
                                             .profile = CertificateProfile::kTpmEndorsementKey,
                                             .key = endorsement,
                                             .certificates = request.certificates},
                                            root, time_s, /*cache=*/nullptr)
                                 .status());
  }
  SEALFOLD_ASSIGN_OR_RETURN(TpmCredential credential,
                            MakeCredential(endorsement, attestation.Name(), secret.span()));
  return Enrolment(std::move(credential), attestation.Name(), std::move(secret));
}

Secret Enrolment::Save() const {
  Bytes open = ToBytes(AsBytes(kSavedHead));
  Append(open, name_);
  Secret out(open.size() + secret_.size());
  std::copy(open.begin(), open.end(), out.mutable_span().begin());
  std::copy(secret_.span().begin(), secret_.span().end(),
            out.mutable_span().begin() + static_cast<ptrdiff_t>(open.size()));
  return out;
}

absl::StatusOr<Enrolment> Enrolment::Resume(ByteSpan saved) {
  const size_t head = kSavedHead.size();
  const bool ours = saved.size() > head + 2 && AsText(saved.first(head)) == kSavedHead;
  const uint16_t name_hash =
      ours ? static_cast<uint16_t>(saved[head] << 8 | saved[head + 1]) : uint16_t{0};
  const size_t name_size = 2 + TpmHashSize(name_hash);
  if (name_size == 2 || saved.size() < head + name_size + kSecretSizeMin ||
      saved.size() > head + name_size + kSecretSizeMax) {
    return BadInput({.code = "enrolment_malformed",
                     .what = "saved enrolment",
                     .expected = "what making the credential wrote",
                     .found = absl::StrCat(saved.size(), " bytes of something else")});
  }
  return Enrolment({}, ToBytes(saved.subspan(head, name_size)),
                   Secret::CopyOf(saved.subspan(head + name_size)));
}

absl::StatusOr<Bytes> Enrolment::Finish(ByteSpan answer) {
  const Secret secret = std::move(secret_);
  secret_ = Secret();
  if (secret.empty() || !EqualConstantTime(answer, secret.span())) {
    return Refused({.code = "credential_wrong",
                    .what = "enrolment's answer",
                    .expected = "the secret that only this TPM can open, once",
                    .found = "another answer",
                    .advice = "the attestation key is not in that TPM: do not name it"});
  }
  return name_;
}

}  // namespace sealfold
