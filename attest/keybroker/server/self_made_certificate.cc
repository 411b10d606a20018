#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "attest/keybroker/server/server.h"
#include "attest/x509/bio.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"

namespace sealfold {
namespace {

constexpr int64_t kValid_s = int64_t{3650} * 86400;

bool IsAddress(const std::string& host) {
  in6_addr address;
  return inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

// As DNS has them (RFC 1035, with '_'), or "*." and one. A comma would begin another entry of the
// extension.
bool IsName(absl::string_view host) {
  constexpr size_t kNameSizeMax = 253;
  absl::ConsumePrefix(&host, "*.");
  return !host.empty() && host.size() <= kNameSizeMax &&
         std::all_of(host.begin(), host.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '-' || c == '.' || c == '_';
         });
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()), &X509_EXTENSION_free);
  SEALFOLD_CHECK(extension != nullptr && X509_add_ext(certificate, extension.get(), -1) == 1);
}

}  // namespace

absl::StatusOr<SelfMadeCertificate> MakeCertificate(const std::vector<std::string>& hosts,
                                                    uint64_t now_ms) {
  SEALFOLD_CHECK(!hosts.empty());
  for (const std::string& host : hosts) {
    if (IsAddress(host) || IsName(host)) continue;
    return BadInput({.code = "host_malformed",
                     .what = "name of the broker for its certificate",
                     .expected = "one DNS name or address",
                     .found = absl::StrCat("'", host.substr(0, 80), "'"),
                     .advice = "of several, name each by itself; without a port"});
  }
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"),
                                                                &EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> owned(X509_new(), &X509_free);
  SEALFOLD_CHECK(key != nullptr && owned != nullptr);
  X509* certificate = owned.get();
  SEALFOLD_CHECK(X509_set_version(certificate, X509_VERSION_3) == 1);
  std::array<uint8_t, 8> serial;
  FillRandom(absl::MakeSpan(serial));
  const uint64_t number = LoadBigEndian64(serial) >> 1 | 1;
  SEALFOLD_CHECK(ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), number) == 1);
  constexpr absl::string_view kName = "sealfold-keybroker";
  X509_NAME* name = X509_get_subject_name(certificate);
  SEALFOLD_CHECK(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, AsBytes(kName).data(),
                                            static_cast<int>(kName.size()), -1, 0) == 1);
  SEALFOLD_CHECK(X509_set_issuer_name(certificate, name) == 1);
  const auto now_s = static_cast<int64_t>(now_ms / 1000);
  SEALFOLD_CHECK(ASN1_TIME_set(X509_getm_notBefore(certificate), now_s - 3600) != nullptr);
  SEALFOLD_CHECK(ASN1_TIME_set(X509_getm_notAfter(certificate), now_s + kValid_s) != nullptr);
  SEALFOLD_CHECK(X509_set_pubkey(certificate, key.get()) == 1);
  std::string names;
  for (const std::string& host : hosts) {
    absl::StrAppend(&names, names.empty() ? "" : ",", IsAddress(host) ? "IP:" : "DNS:", host);
  }
  AddExtension(certificate, NID_subject_alt_name, names);
  AddExtension(certificate, NID_basic_constraints, "critical,CA:FALSE");
  SEALFOLD_CHECK(X509_sign(certificate, key.get(), EVP_sha256()) > 0);

  const UniqueBio certificate_pem = NewBio();
  const UniqueBio key_pem = NewBio(BIO_s_secmem());
  SEALFOLD_CHECK(PEM_write_bio_X509(certificate_pem.get(), certificate) == 1);
  SEALFOLD_CHECK(PEM_write_bio_PrivateKey(key_pem.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                          nullptr) == 1);
  return SelfMadeCertificate{.certificate_pem = std::string(Contents(certificate_pem)),
                             .key_pem = Secret::CopyOf(AsBytes(Contents(key_pem)))};
}

}  // namespace sealfold
