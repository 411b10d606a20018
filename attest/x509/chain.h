// Whether a platform's certificates lead from a pinned root to the key that signed a document.
#ifndef SEALFOLD_ATTEST_X509_CHAIN_H_
#define SEALFOLD_ATTEST_X509_CHAIN_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "attest/x509/certificate.h"

namespace sealfold {

// `intermediates` in the order of issuing: the first is signed by `root`, `leaf` by the last. Every
// one of them must be part of the chain, in that order; all of the profile's algorithms, the leaf
// for its use; basicConstraints, path lengths, keyUsage and critical extensions honoured (RFC 5280,
// 6); all valid at `time_s` (since 1970, UTC), never at the system's time. No revocation: the
// platforms' leaves live for hours, and a verifier has no network. PermissionDenied, code "chain"
// or "certificate_time". Costs one P-384 verification for each but the root.
absl::Status VerifyChain(const Certificate& root, absl::Span<const Certificate> intermediates,
                         const Certificate& leaf, int64_t time_s,
                         CertificateProfile profile = CertificateProfile::kNitro);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_X509_CHAIN_H_
