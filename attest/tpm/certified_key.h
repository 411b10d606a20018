// Whether certificates lead from a trusted root to one of a TPM's key.
#ifndef SEALFOLD_ATTEST_TPM_CERTIFIED_KEY_H_
#define SEALFOLD_ATTEST_TPM_CERTIFIED_KEY_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "attest/tpm/structure/tpm_public.h"
#include "attest/x509/chain.h"
#include "protocol/base/bytes.h"

namespace sealfold {

struct CertifiedKey {
  absl::string_view name;  // for messages: "attestation key"
  CertificateProfile profile;
  const TpmPublic& key;
  const std::vector<Bytes>& certificates;  // DER, the root first, the key's last
};

// The certificates, where they are a chain that VerifyChain passes at `time_s` and the last is of
// this very key. PermissionDenied, codes "chain" and "certificate_time". `cache` may be null.
absl::StatusOr<std::vector<Certificate>> CheckCertified(const CertifiedKey& certified,
                                                        const Certificate& root, int64_t time_s,
                                                        ChainCache* cache);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_CERTIFIED_KEY_H_
