// MakeCredential (TPM 2.0 Library, Part 1, 24): a secret that only the TPM with a certain
// endorsement key can open, and only if it also holds the key with a certain name.
#ifndef SEALFOLD_ATTEST_TPM_ENROL_CREDENTIAL_H_
#define SEALFOLD_ATTEST_TPM_ENROL_CREDENTIAL_H_

#include "absl/status/statusor.h"
#include "attest/tpm/structure/tpm_public.h"
#include "protocol/base/bytes.h"

namespace sealfold {

struct TpmCredential {
  static constexpr char kType[] = "sealfold-tpm2-credential-1";
  Bytes blob = {};              // the content of TPM2B_ID_OBJECT
  Bytes encrypted_secret = {};  // the content of TPM2B_ENCRYPTED_SECRET

  template <class V>
  void Fields(V& v) {
    v("blob", blob);
    v("encrypted_secret", encrypted_secret);
  }
};

// For the TPM with `endorsement_key`, a storage key, if it holds the key named `name`. Requires:
// the secret has at most as many bytes as the endorsement key's name hash. InvalidArgument, code
// "tpm_key", where the key is none that secrets can be sent to.
absl::StatusOr<TpmCredential> MakeCredential(const TpmPublic& endorsement_key, ByteSpan name,
                                             ByteSpan secret);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_ENROL_CREDENTIAL_H_
