#include "attest/software/authority/issue.h"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>

#include "protocol/base/error.h"
#include "protocol/base/random.h"

namespace sealfold {
namespace {

void SetSerial(X509* certificate) {
  std::array<uint8_t, 16> serial;
  FillRandom(absl::MakeSpan(serial));
  serial[0] &= 0x7f;  // positive in 16 bytes
  serial[0] |= 0x40;  // and never zero
  std::unique_ptr<BIGNUM, decltype(&BN_free)> number(
      BN_bin2bn(serial.data(), static_cast<int>(serial.size()), nullptr), &BN_free);
  SEALFOLD_CHECK(number != nullptr);
  SEALFOLD_CHECK(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr);
}

void AddExtension(X509* certificate, X509V3_CTX* context, int nid, const std::string& value) {
  if (value.empty()) return;
  std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, context, nid, value.c_str()), &X509_EXTENSION_free);
  SEALFOLD_CHECK(extension != nullptr);
  SEALFOLD_CHECK(X509_add_ext(certificate, extension.get(), -1) == 1);
}

}  // namespace

Certificate IssueCertificate(const CertificateSpec& spec, EVP_PKEY* subject_key,
                             const Issuer* issuer) {
  std::unique_ptr<X509, decltype(&X509_free)> owned(X509_new(), &X509_free);
  X509* certificate = owned.get();
  SEALFOLD_CHECK(certificate != nullptr && X509_set_version(certificate, X509_VERSION_3) == 1);
  SetSerial(certificate);
  X509_NAME* subject = X509_get_subject_name(certificate);
  const auto* name = reinterpret_cast<const unsigned char*>(spec.common_name.data());
  SEALFOLD_CHECK(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, name,
                                            static_cast<int>(spec.common_name.size()), -1, 0) == 1);
  X509* issuer_certificate = issuer == nullptr ? certificate : issuer->certificate.x509();
  SEALFOLD_CHECK(X509_set_issuer_name(certificate, X509_get_subject_name(issuer_certificate)) == 1);
  SEALFOLD_CHECK(ASN1_TIME_set(X509_getm_notBefore(certificate), spec.not_before_s) != nullptr);
  SEALFOLD_CHECK(ASN1_TIME_set(X509_getm_notAfter(certificate), spec.not_after_s) != nullptr);
  SEALFOLD_CHECK(X509_set_pubkey(certificate, subject_key) == 1);

  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer_certificate, certificate, nullptr, nullptr, 0);
  AddExtension(certificate, &context, NID_basic_constraints, spec.basic_constraints);
  AddExtension(certificate, &context, NID_key_usage, spec.key_usage);
  AddExtension(certificate, &context, NID_ext_key_usage, spec.extended_key_usage);
  AddExtension(certificate, &context, NID_crl_distribution_points, spec.crl_distribution_points);
  AddExtension(certificate, &context, NID_subject_key_identifier, "hash");
  if (issuer != nullptr) {
    AddExtension(certificate, &context, NID_authority_key_identifier, "keyid:always");
  }
  EVP_PKEY* key = issuer == nullptr ? subject_key : issuer->key;
  SEALFOLD_CHECK(X509_sign(certificate, key, EVP_sha384()) > 0);

  unsigned char* der = nullptr;
  int size = i2d_X509(certificate, &der);
  SEALFOLD_CHECK(size > 0);
  auto issued = Certificate::FromDer(ByteSpan(der, static_cast<size_t>(size)));
  OPENSSL_free(der);
  SEALFOLD_CHECK(issued.ok());
  return *std::move(issued);
}

}  // namespace sealfold
