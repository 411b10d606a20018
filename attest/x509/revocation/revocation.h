// Certificate revocation lists (RFC 5280, 5) by OpenSSL, given as bytes and parsed once: a verifier
// fetches none.
#ifndef SEALFOLD_ATTEST_X509_REVOCATION_REVOCATION_H_
#define SEALFOLD_ATTEST_X509_REVOCATION_REVOCATION_H_

#include <openssl/x509.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "attest/x509/certificate.h"

namespace sealfold {

inline constexpr size_t kRevocationListBytesMax = 1u << 20;

// An immutable list; copies share it, on any number of threads.
class RevocationList {
 public:
  // Exactly one list: in DER, or as PEM's block "X509 CRL" with any text around it. Complete lists
  // of one issuer's certificates only: none that is a delta, indirect, or for some of them
  // (issuingDistributionPoint), nor one with a critical extension besides. InvalidArgument, code
  // "revocation_list_malformed" or "revocation_list_kind".
  static absl::StatusOr<RevocationList> Parse(ByteSpan bytes);

  const Bytes& der() const { return parsed_->der; }
  std::string Issuer() const;  // printable, on one line
  // Whether it speaks about the certificates of `issuer`: by the name alone.
  bool IsOf(const Certificate& issuer) const;
  X509_CRL* crl() const { return parsed_->crl.get(); }

 private:
  struct Parsed {
    Bytes der;
    std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> crl{nullptr, &X509_CRL_free};
  };
  explicit RevocationList(std::shared_ptr<const Parsed> parsed) : parsed_(std::move(parsed)) {}

  std::shared_ptr<const Parsed> parsed_;
};

// Of which issuers in a chain there must be a list.
enum class ListDemand {
  kNone,
  // Of each one of whose certificates in the chain names a list (its CRL distribution point). A
  // chain in which none does has nothing that could be demanded of it, and is refused.
  kPublished,
  kEvery,  // of each, the root too
};
// As policies and stores write them.
inline absl::Span<const char* const> CborEnumNames(ListDemand /*demand*/) {
  static constexpr const char* kNames[] = {"none", "published", "every"};
  return kNames;
}
std::optional<ListDemand> ListDemandNamed(absl::string_view name);

// What a policy has of them.
struct RevocationLists {
  std::vector<RevocationList> lists = {};
  bool accept_expired = false;  // a list past its nextUpdate still revokes, and no longer refuses
  ListDemand demand = ListDemand::kNone;  // revocation_coverage.h judges it
};

// That no certificate of the chain is on its issuer's list. `chain` from the root down, as
// VerifyChain passed it. A list speaks about the certificates of the issuer in the chain that has
// its issuer's name; it must bear that issuer's signature (which must be allowed to sign lists)
// and, unless expired ones are accepted, not have expired at `time_s`, nor have been issued after
// `issued_s_max`, where that is given: a list of the future is some clock's mistake. Lists of
// issuers that are not in the chain say nothing here; a certificate whose issuer has no list
// passes. What a list revokes is revoked whenever it was signed or took effect: a later list about
// an earlier document counts too.
//
// PermissionDenied, code "revocation". Costs one verification for each list that speaks.
absl::Status CheckRevocation(absl::Span<const Certificate> chain, const RevocationLists& revocation,
                             int64_t time_s, std::optional<int64_t> issued_s_max);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_X509_REVOCATION_REVOCATION_H_
