// What was found true of certificate chains, kept so that it need not be found again: documents of
// a fleet share their issuers, and one machine's share their leaf too.
//
// With a cache nothing passes that fails without one, whoever filled it:
//   - Only what passed is kept, never an answer on trust: what goes in, VerifyChain puts in.
//   - A signature is found by the hashes of the issuer's and the certificate's bytes. It verifies
//     or does not, whatever the time; all else that VerifyChain looks at, it looks at again.
//   - A whole chain is found by its profile and the hashes of its pinned root's bytes and each
//     certificate's in order. What VerifyChain says of it depends on nothing else but the time: it
//     is found only at a time at which each of them, the root too, is valid.
//   - Revocation is no part of it: lists (revocation/) are looked at each time.
//
// What is kept expires with the certificates and gives way to what was used later: a flood of
// genuine chains costs time, as it would without a cache, and no memory beyond the bound.
#ifndef SEALFOLD_ATTEST_X509_CHAIN_CACHE_H_
#define SEALFOLD_ATTEST_X509_CHAIN_CACHE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/types/span.h"
#include "attest/x509/certificate.h"

namespace sealfold {

// Safe for any number of threads.
class ChainCache {
 public:
  // A certificate takes some 10 KiB, a chain 200 bytes; each is one entry.
  static constexpr size_t kEntriesMax = 2048;
  explicit ChainCache(size_t entries_max = kEntriesMax);
  ~ChainCache();

  // The certificate whose DER form has this SHA-256, already parsed, if its signature verified
  // under the key of the issuer of that one.
  std::optional<Certificate> FindIssued(const Digest& issuer, const Digest& certificate);
  // Whether VerifyChain passed for these, and would at `time_s` (since 1970, UTC).
  bool HasChain(const Certificate& root, absl::Span<const Certificate> intermediates,
                const Certificate& leaf, CertificateProfile profile, int64_t time_s);

  // For VerifyChain, of what just verified at `time_s`.
  void AddIssued(const Certificate& issuer, const Certificate& certificate, int64_t time_s);
  void AddChain(const Certificate& root, absl::Span<const Certificate> intermediates,
                const Certificate& leaf, CertificateProfile profile, int64_t time_s);

  size_t size() const;
  // How often something that was looked for was known.
  uint64_t hits() const;

 private:
  class Entries;
  std::unique_ptr<Entries> entries_;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_X509_CHAIN_CACHE_H_
