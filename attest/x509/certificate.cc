#include "attest/x509/certificate.h"

#include <openssl/asn1.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "attest/x509/bio.h"
#include "attest/x509/fields.h"
#include "attest/x509/key_reading.h"
#include "attest/x509/pem.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/text/time.h"

namespace sealfold {
namespace {

using UniqueX509 = std::unique_ptr<X509, decltype(&X509_free)>;

constexpr int kX509Version3 = 2;  // as encoded
constexpr size_t kPemSizeMax = 64 * 1024;
constexpr int kNitroSignatures[] = {NID_ecdsa_with_SHA384};
constexpr int kTpmSignatures[] = {NID_ecdsa_with_SHA256,       NID_ecdsa_with_SHA384,
                                  NID_ecdsa_with_SHA512,       NID_sha256WithRSAEncryption,
                                  NID_sha384WithRSAEncryption, NID_sha512WithRSAEncryption};
constexpr int kRsaBitsMin = 2048;
constexpr int kRsaBitsMax = 4096;
constexpr char kTpmEndorsementKeyUsage[] = "2.23.133.8.1";  // tcg-kp-EKCertificate
constexpr char kTpmAttestationKeyUsage[] = "2.23.133.8.3";  // tcg-kp-AIKCertificate

absl::Status Malformed(absl::string_view expected, absl::string_view found) {
  ERR_clear_error();
  return BadInput({.code = "certificate_malformed",
                   .what = "certificate",
                   .expected = std::string(expected),
                   .found = std::string(found)});
}

bool HasExtendedKeyUsage(const X509* certificate, absl::string_view wanted) {
  const std::unique_ptr<EXTENDED_KEY_USAGE, decltype(&EXTENDED_KEY_USAGE_free)> usages(
      static_cast<EXTENDED_KEY_USAGE*>(
          X509_get_ext_d2i(certificate, NID_ext_key_usage, nullptr, nullptr)),
      &EXTENDED_KEY_USAGE_free);
  for (int i = 0; usages != nullptr && i < sk_ASN1_OBJECT_num(usages.get()); ++i) {
    char text[64] = "";
    OBJ_obj2txt(text, sizeof(text), sk_ASN1_OBJECT_value(usages.get(), i), 1);
    if (wanted == text) return true;
  }
  ERR_clear_error();
  return false;
}

std::string TimeText(const ASN1_TIME* time) {
  const std::optional<int64_t> time_s = TimeOf(time);
  return time_s.has_value() ? TimeTextOfSeconds(*time_s) : "an unreadable time";
}

CertificatePeriod PeriodOf(const X509* certificate) {
  const ASN1_TIME* const from = X509_get0_notBefore(certificate);
  const ASN1_TIME* const end = X509_get0_notAfter(certificate);
  time_t any = 0;
  // Stricter than TimeOf: 0 for what RFC 5280 does not allow.
  const bool readable = X509_cmp_time(from, &any) != 0 && X509_cmp_time(end, &any) != 0;
  const std::optional<int64_t> from_s = TimeOf(from);
  const std::optional<int64_t> end_s = TimeOf(end);
  ERR_clear_error();
  if (!readable || !from_s.has_value() || !end_s.has_value()) return {.from_s = 0, .end_s = 0};
  return {.from_s = *from_s, .end_s = *end_s};
}

}  // namespace

absl::StatusOr<Certificate> Certificate::FromDer(ByteSpan der) {
  const uint8_t* position = der.data();
  UniqueX509 x509(
      reinterpret_cast<X509*>(ASN1_item_d2i_ex(nullptr, &position, static_cast<int64_t>(der.size()),
                                               ASN1_ITEM_rptr(X509), KeyReadingContext(), nullptr)),
      &X509_free);
  if (x509 == nullptr) {
    return Malformed("an X.509 certificate in DER",
                     absl::StrCat(der.size(), " bytes that are none"));
  }
  if (position != der.data() + der.size()) {
    return Malformed("one certificate", absl::StrCat(der.data() + der.size() - position,
                                                     " bytes after the certificate's end"));
  }
  auto parsed = std::make_shared<Parsed>();
  parsed->der = ToBytes(der);
  parsed->digest = Sha256(der);
  parsed->period = PeriodOf(x509.get());
  parsed->x509 = std::move(x509);
  return Certificate(std::move(parsed));
}

absl::StatusOr<Certificate> Certificate::FromPem(absl::string_view pem) {
  if (pem.size() > kPemSizeMax) {
    return Malformed("a PEM certificate", absl::StrCat(pem.size(), " bytes"));
  }
  const UniqueBio bio = BioOf(pem);
  uint8_t* der = nullptr;
  long size = 0;  // NOLINT(google-runtime-int): OpenSSL's type
  const bool read = PEM_bytes_read_bio(&der, &size, nullptr, PEM_STRING_X509, bio.get(),
                                       &NoPassphrase, nullptr) == 1;
  absl::StatusOr<Certificate> certificate =
      FromDer(read ? ByteSpan(der, static_cast<size_t>(size)) : ByteSpan());
  if (read) OPENSSL_free(der);
  if (!certificate.ok()) return Malformed("a PEM block CERTIFICATE", "none that can be read");
  if (HasSeveralPemBlocks(pem)) {
    return Malformed("one PEM block CERTIFICATE", "more blocks than one");
  }
  return certificate;
}

std::string Certificate::Pem() const {
  const UniqueBio bio = NewBio();
  SEALFOLD_CHECK(PEM_write_bio_X509(bio.get(), x509()) == 1);
  return std::string(Contents(bio));
}

const Certificate::Texts& Certificate::texts() const {
  std::call_once(parsed_->texts_made, [this] {
    parsed_->texts = {.subject = NameText(X509_get_subject_name(x509())),
                      .validity = absl::StrCat(TimeText(X509_get0_notBefore(x509())), " to ",
                                               TimeText(X509_get0_notAfter(x509())))};
  });
  return parsed_->texts;
}

absl::Status Certificate::Unfit(absl::string_view expected, absl::string_view found) const {
  return Refused({.code = "chain",
                  .what = absl::StrCat("certificate ", Subject()),
                  .expected = std::string(expected),
                  .found = std::string(found)});
}

absl::Status Certificate::CheckAlgorithms(CertificateProfile profile) const {
  const bool nitro = profile == CertificateProfile::kNitro;
  if (X509_get_version(x509()) != kX509Version3) {
    return Unfit("version 3", absl::StrCat("version ", X509_get_version(x509()) + 1));
  }
  const int signature_nid = X509_get_signature_nid(x509());
  const auto signatures =
      nitro ? absl::MakeConstSpan(kNitroSignatures) : absl::MakeConstSpan(kTpmSignatures);
  if (std::find(signatures.begin(), signatures.end(), signature_nid) == signatures.end()) {
    const char* name = OBJ_nid2sn(signature_nid);
    return Unfit(nitro ? "signed with ecdsa-with-SHA384" : "signed with RSA or ECDSA and SHA-2",
                 name == nullptr ? "an unknown algorithm" : name);
  }
  EVP_PKEY* key = public_key();
  if (!nitro && key != nullptr && EVP_PKEY_is_a(key, "RSA") == 1) {
    const int bits = EVP_PKEY_get_bits(key);
    if (bits >= kRsaBitsMin && bits <= kRsaBitsMax) return absl::OkStatus();
    return Unfit("an RSA key of 2048 to 4096 bits", absl::StrCat(bits));
  }
  const char* expected = nitro ? "a key on P-384" : "a key on RSA, P-256 or P-384";
  char group[32] = "";
  int explicit_parameters = 0;
  if (key == nullptr || EVP_PKEY_is_a(key, "EC") != 1 ||
      EVP_PKEY_get_group_name(key, group, sizeof(group), nullptr) != 1) {
    ERR_clear_error();
    return Unfit(expected, "another kind of key");
  }
  const absl::string_view name(group);
  if (name != SN_secp384r1 && (nitro || name != SN_X9_62_prime256v1)) return Unfit(expected, name);
  if (EVP_PKEY_get_int_param(key, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS,
                             &explicit_parameters) != 1 ||
      explicit_parameters != 0) {
    return Unfit(absl::StrCat("the curve ", name, " by its name"),
                 "a curve spelt out by its parameters");
  }
  return absl::OkStatus();
}

absl::Status Certificate::CheckIssuer() const {
  uint32_t flags = X509_get_extension_flags(x509());
  if ((flags & EXFLAG_INVALID) != 0) return Unfit("readable extensions", "malformed ones");
  if ((flags & EXFLAG_BCONS) == 0 || (flags & EXFLAG_CA) == 0) {
    return Unfit("a CA certificate (basicConstraints)", "not a CA");
  }
  if ((flags & EXFLAG_KUSAGE) == 0 || (X509_get_key_usage(x509()) & KU_KEY_CERT_SIGN) == 0) {
    return Unfit("keyUsage keyCertSign", "a keyUsage without it");
  }
  return absl::OkStatus();
}

absl::Status Certificate::CheckRoot() const {
  SEALFOLD_RETURN_IF_ERROR(CheckIssuer());
  if (X509_self_signed(x509(), 0) != 1) {
    ERR_clear_error();
    return Unfit("a root: a certificate issued by itself", "one issued by another");
  }
  return absl::OkStatus();
}

absl::Status Certificate::CheckLeaf(CertificateProfile profile) const {
  uint32_t flags = X509_get_extension_flags(x509());
  if ((flags & EXFLAG_INVALID) != 0) return Unfit("readable extensions", "malformed ones");
  if ((flags & EXFLAG_CA) != 0) return Unfit("a leaf that is no CA", "a CA certificate");
  const bool usage = (flags & EXFLAG_KUSAGE) != 0;
  const uint32_t bits = X509_get_key_usage(x509());
  const bool opens = profile == CertificateProfile::kTpmEndorsementKey;
  const uint32_t wanted = opens ? KU_KEY_ENCIPHERMENT | KU_KEY_AGREEMENT : KU_DIGITAL_SIGNATURE;
  if (!usage || (bits & wanted) == 0 || (bits & KU_KEY_CERT_SIGN) != 0) {
    return Unfit(opens ? "keyUsage keyEncipherment or keyAgreement and not keyCertSign"
                       : "keyUsage digitalSignature and not keyCertSign",
                 "another keyUsage");
  }
  if (profile == CertificateProfile::kNitro) return absl::OkStatus();
  const char* purpose = opens ? kTpmEndorsementKeyUsage : kTpmAttestationKeyUsage;
  if (!HasExtendedKeyUsage(x509(), purpose)) {
    return Unfit(absl::StrCat("extendedKeyUsage ", purpose),
                 "a certificate for another use, or for any");
  }
  return absl::OkStatus();
}

}  // namespace sealfold
