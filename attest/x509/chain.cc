#include "attest/x509/chain.h"

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <ctime>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/text/time.h"

namespace sealfold {
namespace {

void FreeStackOnly(STACK_OF(X509) * stack) { sk_X509_free(stack); }  // not what it points to

struct Context {
  std::unique_ptr<X509_STORE, decltype(&X509_STORE_free)> store{X509_STORE_new(), &X509_STORE_free};
  std::unique_ptr<STACK_OF(X509), decltype(&FreeStackOnly)> untrusted{sk_X509_new_null(),
                                                                      &FreeStackOnly};
  std::unique_ptr<X509_STORE_CTX, decltype(&X509_STORE_CTX_free)> verify{X509_STORE_CTX_new(),
                                                                         &X509_STORE_CTX_free};
};

absl::Status ExplainFailure(X509_STORE_CTX* verify, size_t depth_max, int64_t time_s) {
  int error = X509_STORE_CTX_get_error(verify);
  int depth = X509_STORE_CTX_get_error_depth(verify);
  std::string where =
      absl::StrCat("certificate ", depth, " above the leaf (of ", depth_max, ", the root)");
  if (depth == 0) where = "leaf certificate";
  std::string found = X509_verify_cert_error_string(error);
  bool time = error == X509_V_ERR_CERT_NOT_YET_VALID || error == X509_V_ERR_CERT_HAS_EXPIRED;
  X509* current = X509_STORE_CTX_get_current_cert(verify);
  if (!time || current == nullptr) {
    return Refused({.code = "chain",
                    .what = "certificate chain",
                    .expected = "a valid chain to the pinned root",
                    .found = absl::StrCat(where, ": ", found)});
  }
  unsigned char* der = nullptr;
  int size = i2d_X509(current, &der);
  std::string validity = "unreadable";
  if (size > 0) {
    auto certificate = Certificate::FromDer(ByteSpan(der, static_cast<size_t>(size)));
    if (certificate.ok()) validity = certificate->Validity();
  }
  OPENSSL_free(der);
  return Refused({.code = "certificate_time",
                  .what = "certificate's time",
                  .expected = absl::StrCat(where, " valid at ", TimeTextOfSeconds(time_s)),
                  .found = absl::StrCat("valid ", validity)});
}

// OpenSSL builds the chain by itself; what it built must be what was given, wholly and in order.
bool SameOrder(X509_STORE_CTX* verify, const Certificate& root,
               absl::Span<const Certificate> intermediates, const Certificate& leaf) {
  STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(verify);
  int size = sk_X509_num(chain);
  if (size != static_cast<int>(intermediates.size()) + 2) return false;
  if (sk_X509_value(chain, 0) != leaf.x509()) return false;
  for (int i = 1; i + 1 < size; ++i) {
    const Certificate& given = intermediates[intermediates.size() - static_cast<size_t>(i)];
    if (sk_X509_value(chain, i) != given.x509()) return false;
  }
  return sk_X509_value(chain, size - 1) == root.x509();
}

// What CheckSignaturesAndTimes works with, by way of OpenSSL's context.
struct Links {
  const Certificate& root;
  absl::Span<const Certificate> intermediates;
  const Certificate& leaf;
  int64_t time_s;
  ChainCache& cache;

  const Certificate* Find(const X509* x509) const {
    if (x509 == root.x509()) return &root;
    if (x509 == leaf.x509()) return &leaf;
    for (const Certificate& certificate : intermediates) {
      if (x509 == certificate.x509()) return &certificate;
    }
    return nullptr;
  }
  bool Signed(X509* issuer, X509* certificate) const {
    const Certificate* by = Find(issuer);
    const Certificate* of = Find(certificate);
    const bool known = by != nullptr && of != nullptr;
    if (known && cache.FindIssued(by->digest(), of->digest()).has_value()) return true;
    EVP_PKEY* key = X509_get0_pubkey(issuer);
    if (key == nullptr || X509_verify(certificate, key) != 1) return false;
    if (known) cache.AddIssued(*by, *of, time_s);
    return true;
  }
};

// OpenSSL's last step of verifying a chain that it has built and otherwise checked, in its order:
// from the root down each certificate's signature, but the pinned root's own, and its time.
int CheckSignaturesAndTimes(X509_STORE_CTX* verify) {
  const auto* links = static_cast<const Links*>(X509_STORE_CTX_get_app_data(verify));
  STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(verify);
  const auto refuse = [&](int depth, int error) {
    X509_STORE_CTX_set_error(verify, error);
    X509_STORE_CTX_set_error_depth(verify, depth);
    X509_STORE_CTX_set_current_cert(verify, sk_X509_value(chain, depth));
    return 0;
  };
  time_t time = static_cast<time_t>(links->time_s);
  const int last = sk_X509_num(chain) - 1;
  for (int depth = last; depth >= 0; --depth) {
    X509* certificate = sk_X509_value(chain, depth);
    if (depth < last && !links->Signed(sk_X509_value(chain, depth + 1), certificate)) {
      return refuse(depth, X509_V_ERR_CERT_SIGNATURE_FAILURE);
    }
    const Certificate* known = links->Find(certificate);
    if (known != nullptr && known->period().Has(links->time_s)) continue;
    const int before = X509_cmp_time(X509_get0_notBefore(certificate), &time);
    if (before == 0) return refuse(depth, X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD);
    if (before > 0) return refuse(depth, X509_V_ERR_CERT_NOT_YET_VALID);
    const int after = X509_cmp_time(X509_get0_notAfter(certificate), &time);
    if (after == 0) return refuse(depth, X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD);
    if (after < 0) return refuse(depth, X509_V_ERR_CERT_HAS_EXPIRED);
  }
  return 1;
}

}  // namespace

absl::Status VerifyChain(const Certificate& root, absl::Span<const Certificate> intermediates,
                         const Certificate& leaf, int64_t time_s, CertificateProfile profile,
                         ChainCache* cache) {
  if (cache != nullptr && cache->HasChain(root, intermediates, leaf, profile, time_s)) {
    return absl::OkStatus();
  }
  SEALFOLD_RETURN_IF_ERROR(root.CheckAlgorithms(profile));
  SEALFOLD_RETURN_IF_ERROR(root.CheckIssuer());
  for (const Certificate& certificate : intermediates) {
    SEALFOLD_RETURN_IF_ERROR(certificate.CheckAlgorithms(profile));
    SEALFOLD_RETURN_IF_ERROR(certificate.CheckIssuer());
  }
  SEALFOLD_RETURN_IF_ERROR(leaf.CheckAlgorithms(profile));
  SEALFOLD_RETURN_IF_ERROR(leaf.CheckLeaf(profile));

  Context context;
  SEALFOLD_CHECK(context.store != nullptr && context.untrusted != nullptr &&
                 context.verify != nullptr);
  SEALFOLD_CHECK(X509_STORE_add_cert(context.store.get(), root.x509()) == 1);
  for (const Certificate& certificate : intermediates) {
    SEALFOLD_CHECK(sk_X509_push(context.untrusted.get(), certificate.x509()) > 0);
  }
  X509_STORE_CTX* verify = context.verify.get();
  SEALFOLD_CHECK(
      X509_STORE_CTX_init(verify, context.store.get(), leaf.x509(), context.untrusted.get()) == 1);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(verify);
  X509_VERIFY_PARAM_set_time(parameters, static_cast<time_t>(time_s));
  X509_VERIFY_PARAM_set_depth(parameters, static_cast<int>(intermediates.size()));

  std::optional<Links> links;
  if (cache != nullptr) {
    links.emplace(Links{root, intermediates, leaf, time_s, *cache});
    X509_STORE_CTX_set_app_data(verify, &*links);
    X509_STORE_CTX_set_verify(verify, &CheckSignaturesAndTimes);
  }
  bool valid = X509_verify_cert(verify) == 1;
  ERR_clear_error();
  if (!valid) return ExplainFailure(verify, intermediates.size() + 1, time_s);
  if (!SameOrder(verify, root, intermediates, leaf)) {
    return Refused({.code = "chain",
                    .what = "certificate chain",
                    .expected = "every certificate of the bundle in its place",
                    .found = "a chain that leaves some out or has another order"});
  }
  if (cache != nullptr) cache->AddChain(root, intermediates, leaf, profile, time_s);
  return absl::OkStatus();
}

}  // namespace sealfold
