#include "attest/tpm/certified_key.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/tpm/tpm_evidence.h"
#include "protocol/base/error.h"

namespace sealfold {

absl::StatusOr<std::vector<Certificate>> CheckCertified(const CertifiedKey& certified,
                                                        const Certificate& root, int64_t time_s,
                                                        ChainCache* cache) {
  const auto refused = [&](std::string expected, std::string found) {
    return Refused({.code = "chain",
                    .what = absl::StrCat(certified.name, "'s certificates"),
                    .expected = std::move(expected),
                    .found = std::move(found)});
  };
  const std::vector<Bytes>& given = certified.certificates;
  if (given.size() < 2 || given.front() != root.der()) {
    return refused(absl::StrCat("certificates from the pinned root, SHA-256 ",
                                root.Fingerprint().substr(0, 16), "..., to the key's"),
                   given.empty()                 ? "none"
                   : given.front() == root.der() ? "the root alone"
                                                 : "some that begin with another certificate");
  }
  if (given.size() > kTpmCertificatesMax) {
    return refused(absl::StrCat("at most ", kTpmCertificatesMax), absl::StrCat(given.size()));
  }
  std::vector<Certificate> chain = {root};
  for (size_t i = 1; i < given.size(); ++i) {
    absl::StatusOr<Certificate> each = Certificate::FromDer(given[i]);
    if (!each.ok()) return refused("certificates", Explain(each.status()).found);
    chain.push_back(*std::move(each));
  }
  const Certificate& leaf = chain.back();
  const auto intermediates = absl::MakeConstSpan(chain).subspan(1, chain.size() - 2);
  SEALFOLD_RETURN_IF_ERROR(
      VerifyChain(root, intermediates, leaf, time_s, certified.profile, cache));
  const absl::StatusOr<UniquePkey> key = certified.key.Key();
  if (!key.ok() || EVP_PKEY_eq(key->get(), leaf.public_key()) != 1) {
    return refused(absl::StrCat("a certificate of the ", certified.name),
                   absl::StrCat("one of another key, ", leaf.Subject()));
  }
  return chain;
}

}  // namespace sealfold
