// How a machine's attestation key becomes one that a policy may name, where no authority certified
// it: the machine shows that its TPM, known by its endorsement key, holds the attestation key.
//
// The verifier's half, a state machine of two steps without clock or network; the machine's half is
// attest/tpm/device/.
#ifndef SEALFOLD_ATTEST_TPM_ENROL_ENROLMENT_H_
#define SEALFOLD_ATTEST_TPM_ENROL_ENROLMENT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "attest/tpm/enrol/credential.h"
#include "protocol/base/secret.h"

namespace sealfold {

// Why an endorsement key is believed to be in a TPM: its maker's certificate, or because somebody
// who stood before the machine wrote its name down.
struct EndorsementTrust {
  std::string root_pem = {};                 // the maker's root; may be empty
  std::vector<Bytes> endorsement_keys = {};  // names; may be empty
};

// What the machine shows.
struct EnrolmentRequest {
  static constexpr char kType[] = "sealfold-tpm2-enrolment-request-1";
  Bytes endorsement_key = {};            // TPMT_PUBLIC
  Bytes attestation_key = {};            // TPMT_PUBLIC
  std::vector<Bytes> certificates = {};  // the endorsement key's, DER, root first; may be empty

  template <class V>
  void Fields(V& v) {
    v("endorsement_key", endorsement_key);
    v("attestation_key", attestation_key);
    v("certificates", certificates);
  }
};

class Enrolment {
 public:
  // Checks both keys, and that the endorsement key is one to trust at `time_s` (since 1970, UTC).
  // `secret` is random and at least 16 bytes, at most 32. InvalidArgument ("tpm_*") or
  // PermissionDenied ("attestation_key", "endorsement_key", "chain", "certificate_time").
  static absl::StatusOr<Enrolment> Start(const EnrolmentRequest& request,
                                         const EndorsementTrust& trust, int64_t time_s,
                                         Secret secret);

  // For the machine to open.
  const TpmCredential& credential() const { return credential_; }
  // What is to be kept, in secret, where the answer comes to another process; and back, without the
  // credential. InvalidArgument, code "enrolment_malformed".
  Secret Save() const;
  static absl::StatusOr<Enrolment> Resume(ByteSpan saved);
  // With what it opened: the attestation key's name, for EvidencePolicy::attestation_keys.
  // PermissionDenied, code "credential_wrong". Only once: a second answer is refused.
  absl::StatusOr<Bytes> Finish(ByteSpan answer);

 private:
  Enrolment(TpmCredential credential, Bytes name, Secret secret)
      : credential_(std::move(credential)), name_(std::move(name)), secret_(std::move(secret)) {}

  TpmCredential credential_;
  Bytes name_;
  Secret secret_;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_ENROL_ENROLMENT_H_
