// Whether a platform's certificates lead from a pinned root to the key that signed a document.
#ifndef SEALFOLD_ATTEST_X509_CHAIN_H_
#define SEALFOLD_ATTEST_X509_CHAIN_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "attest/x509/certificate.h"
#include "attest/x509/chain_cache.h"

namespace sealfold {

// `intermediates` in the order of issuing: the first is signed by `root`, `leaf` by the last. Every
// one of them must be part of the chain, in that order; all of the profile's algorithms, the leaf
// for its use; basicConstraints, path lengths, keyUsage and critical extensions honoured (RFC 5280,
// 6); all valid at `time_s` (since 1970, UTC), never at the system's time. No revocation: see
// attest/x509/revocation/revocation.h. PermissionDenied, code "chain" or "certificate_time".
//
// Costs one signature's verification for each certificate but the root; with a cache, which may be
// null, only for those whose signature it does not know, and none of it for a chain that it knows.
absl::Status VerifyChain(const Certificate& root, absl::Span<const Certificate> intermediates,
                         const Certificate& leaf, int64_t time_s,
                         CertificateProfile profile = CertificateProfile::kNitro,
                         ChainCache* cache = nullptr);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_X509_CHAIN_H_
