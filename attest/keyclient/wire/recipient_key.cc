#include "attest/keyclient/wire/recipient_key.h"

#include <openssl/bn.h>
#include <openssl/cms.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <optional>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr int kRecipientKeyBitsMax = 8192;  // a document's public_key holds less

using UniqueKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using UniqueChain = std::unique_ptr<BIO, decltype(&BIO_free_all)>;
using UniqueCms = std::unique_ptr<CMS_ContentInfo, decltype(&CMS_ContentInfo_free)>;
using UniqueNumber = std::unique_ptr<BIGNUM, decltype(&BN_free)>;
using UniqueX509 = std::unique_ptr<X509, decltype(&X509_free)>;

absl::Status Unfit(std::string found) {
  ERR_clear_error();
  return BadInput({.code = "recipient_key_unfit",
                   .what = "public_key of the attestation document",
                   .expected = absl::StrCat("an RSA key (SubjectPublicKeyInfo, DER) of at least ",
                                            kRecipientKeyBitsMin, " bits"),
                   .found = std::move(found)});
}

absl::Status Malformed(std::string found) {
  ERR_clear_error();
  return BadInput({.code = "envelope_malformed",
                   .what = "CiphertextForRecipient",
                   .expected = "CMS EnvelopedData, AES-256-CBC, RSAES-OAEP with SHA-256",
                   .found = std::move(found)});
}

template <class T>
Bytes Der(T* object, int (*encode)(const T*, unsigned char**)) {
  unsigned char* der = nullptr;
  const int size = encode(object, &der);
  SEALFOLD_CHECK(size > 0);
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

UniqueNumber NumberOf(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  SEALFOLD_CHECK(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  return UniqueNumber(number, &BN_free);
}

absl::StatusOr<UniqueKey> ReadSpki(ByteSpan spki) {
  const unsigned char* at = spki.data();
  UniqueKey key(d2i_PUBKEY(nullptr, &at, static_cast<long>(spki.size())),  // NOLINT: OpenSSL's long
                &EVP_PKEY_free);
  if (key == nullptr) return Unfit("no key");
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) return Unfit("a key of another kind");
  if (ByteSpan(Der<EVP_PKEY>(key.get(), &i2d_PUBKEY)) != spki) return Unfit("another encoding");
  const int bits = EVP_PKEY_get_bits(key.get());
  if (bits < kRecipientKeyBitsMin || bits > kRecipientKeyBitsMax) {
    return Unfit(absl::StrCat("RSA of ", bits, " bits"));
  }
  // What OpenSSL reads as a key and then does not encrypt to: an even modulus, an exponent beyond
  // 64 bits (with a modulus beyond 3072) or beyond the modulus.
  const UniqueNumber modulus = NumberOf(key.get(), OSSL_PKEY_PARAM_RSA_N);
  if (BN_is_odd(modulus.get()) != 1) return Unfit("an even modulus");
  const UniqueNumber exponent = NumberOf(key.get(), OSSL_PKEY_PARAM_RSA_E);
  const int exponent_bits = BN_num_bits(exponent.get());
  if (BN_is_odd(exponent.get()) != 1 || exponent_bits <= 16 || exponent_bits > 64) {
    return Unfit("a public exponent below 2^16, beyond 2^64, or even");
  }
  return key;
}

// OpenSSL takes a recipient as a certificate: one that says nothing but its key and the key's
// identifier. What signs it does not matter; it never leaves this process.
UniqueX509 AsCertificate(EVP_PKEY* key) {
  UniqueX509 owned(X509_new(), &X509_free);
  X509* certificate = owned.get();
  SEALFOLD_CHECK(certificate != nullptr && X509_set_version(certificate, X509_VERSION_3) == 1);
  SEALFOLD_CHECK(ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) == 1);
  SEALFOLD_CHECK(ASN1_TIME_set(X509_getm_notBefore(certificate), 0) != nullptr);
  SEALFOLD_CHECK(ASN1_TIME_set(X509_getm_notAfter(certificate), 0) != nullptr);
  SEALFOLD_CHECK(X509_set_pubkey(certificate, key) == 1);
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> identifier(
      X509V3_EXT_conf_nid(nullptr, &context, NID_subject_key_identifier, "hash"),
      &X509_EXTENSION_free);
  SEALFOLD_CHECK(identifier != nullptr && X509_add_ext(certificate, identifier.get(), -1) == 1);
  const UniqueKey signer(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  SEALFOLD_CHECK(signer != nullptr && X509_sign(certificate, signer.get(), EVP_sha256()) > 0);
  return owned;
}

// Whether every recipient is by RSAES-OAEP with SHA-256 for both, and there is one.
bool RecipientFits(CMS_ContentInfo* cms) {
  STACK_OF(CMS_RecipientInfo)* recipients = CMS_get0_RecipientInfos(cms);
  if (recipients == nullptr || sk_CMS_RecipientInfo_num(recipients) != 1) return false;
  CMS_RecipientInfo* recipient = sk_CMS_RecipientInfo_value(recipients, 0);
  X509_ALGOR* algorithm = nullptr;
  if (CMS_RecipientInfo_type(recipient) != CMS_RECIPINFO_TRANS ||
      CMS_RecipientInfo_ktri_get0_algs(recipient, nullptr, nullptr, &algorithm) != 1) {
    return false;
  }
  const ASN1_OBJECT* name = nullptr;
  int type = 0;
  const void* parameter = nullptr;
  X509_ALGOR_get0(&name, &type, &parameter, algorithm);
  if (OBJ_obj2nid(name) != NID_rsaesOaep || type != V_ASN1_SEQUENCE) return false;
  const auto* encoded = static_cast<const ASN1_STRING*>(parameter);
  const unsigned char* at = ASN1_STRING_get0_data(encoded);
  std::unique_ptr<RSA_OAEP_PARAMS, decltype(&RSA_OAEP_PARAMS_free)> parameters(
      d2i_RSA_OAEP_PARAMS(nullptr, &at, ASN1_STRING_length(encoded)), &RSA_OAEP_PARAMS_free);
  if (parameters == nullptr || parameters->hashFunc == nullptr ||
      parameters->maskGenFunc == nullptr || parameters->pSourceFunc != nullptr) {
    return false;
  }
  const ASN1_OBJECT* hash = nullptr;
  X509_ALGOR_get0(&hash, nullptr, nullptr, parameters->hashFunc);
  const ASN1_OBJECT* mask = nullptr;
  X509_ALGOR_get0(&mask, &type, &parameter, parameters->maskGenFunc);
  if (OBJ_obj2nid(hash) != NID_sha256 || OBJ_obj2nid(mask) != NID_mgf1 || type != V_ASN1_SEQUENCE) {
    return false;
  }
  const auto* inner = static_cast<const ASN1_STRING*>(parameter);
  at = ASN1_STRING_get0_data(inner);
  std::unique_ptr<X509_ALGOR, decltype(&X509_ALGOR_free)> mask_hash(
      d2i_X509_ALGOR(nullptr, &at, ASN1_STRING_length(inner)), &X509_ALGOR_free);
  if (mask_hash == nullptr) return false;
  X509_ALGOR_get0(&hash, nullptr, nullptr, mask_hash.get());
  return OBJ_obj2nid(hash) == NID_sha256;
}

// What comes out of `content`, the cipher's end of a chain, where its end is as it must be. Read
// into place: CMS_decrypt's own way leaves a copy on the stack. `size_max` is what went in.
std::optional<Secret> ReadAll(BIO* content, size_t size_max) {
  if (content == nullptr) return std::nullopt;
  Secret buffer(size_max);
  size_t size = 0;
  for (;;) {
    const MutableByteSpan rest = buffer.mutable_span().subspan(size);
    const int got = BIO_read(content, rest.data(), static_cast<int>(rest.size()));
    if (got <= 0) break;
    size += static_cast<size_t>(got);
  }
  if (BIO_get_cipher_status(content) != 1) return std::nullopt;
  return Secret::CopyOf(buffer.span().first(size));
}

}  // namespace

RecipientKey RecipientKey::Generate() {
  Key key(EVP_RSA_gen(kRecipientKeyBitsMin), &EVP_PKEY_free);
  SEALFOLD_CHECK(key != nullptr);
  return RecipientKey(std::move(key));
}

Bytes RecipientKey::Spki() const { return Der<EVP_PKEY>(key_.get(), &i2d_PUBKEY); }

absl::StatusOr<Secret> RecipientKey::Open(ByteSpan envelope) const {
  if (envelope.size() > kEnvelopeSizeMax) return Malformed("a longer one");
  const unsigned char* at = envelope.data();
  const UniqueCms cms(
      d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(envelope.size())),  // NOLINT
      &CMS_ContentInfo_free);
  if (cms == nullptr || at != envelope.data() + envelope.size()) return Malformed("no CMS");
  if (OBJ_obj2nid(CMS_get0_type(cms.get())) != NID_pkcs7_enveloped) {
    return Malformed("another content");
  }
  if (!RecipientFits(cms.get())) return Malformed("another way to the content's key");
  // That a content key does not open is told at once: without padding of PKCS #1 v1.5 there is
  // nothing to hide behind a content of random bytes, which is what OpenSSL does else. With nothing
  // but this flag CMS_decrypt sets it and does no more.
  if (CMS_decrypt(cms.get(), nullptr, nullptr, nullptr, nullptr, CMS_DEBUG_DECRYPT) == 1 &&
      CMS_decrypt_set1_pkey(cms.get(), key_.get(), nullptr) == 1) {
    const UniqueChain content(CMS_dataInit(cms.get(), nullptr), &BIO_free_all);
    std::optional<Secret> opened = ReadAll(content.get(), envelope.size());
    if (opened.has_value()) return *std::move(opened);
  }
  ERR_clear_error();
  return Refused({.code = "envelope_closed",
                  .what = "CiphertextForRecipient",
                  .expected = "an envelope to this request's key",
                  .found = "one that it does not open"});
}

absl::Status CheckRecipientKey(ByteSpan spki) { return ReadSpki(spki).status(); }

absl::StatusOr<Bytes> SealToRecipient(ByteSpan spki, ByteSpan content) {
  SEALFOLD_ASSIGN_OR_RETURN(const UniqueKey key, ReadSpki(spki));
  const UniqueX509 recipient = AsCertificate(key.get());
  const UniqueCms cms(CMS_encrypt(nullptr, nullptr, EVP_aes_256_cbc(), CMS_PARTIAL | CMS_BINARY),
                      &CMS_ContentInfo_free);
  SEALFOLD_CHECK(cms != nullptr);
  CMS_RecipientInfo* info =
      CMS_add1_recipient_cert(cms.get(), recipient.get(), CMS_USE_KEYID | CMS_KEY_PARAM);
  SEALFOLD_CHECK(info != nullptr);
  EVP_PKEY_CTX* context = CMS_RecipientInfo_get0_pkey_ctx(info);
  SEALFOLD_CHECK(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1);
  SEALFOLD_CHECK(EVP_PKEY_CTX_set_rsa_oaep_md(context, EVP_sha256()) == 1);
  SEALFOLD_CHECK(EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_sha256()) == 1);
  // As CMS_final does it, but for the copy that its reading leaves on the stack. The key is the
  // caller's: what ReadSpki lets through and this fails on must not end the program.
  const UniqueChain in(CMS_dataInit(cms.get(), nullptr), &BIO_free_all);
  if (in == nullptr ||
      BIO_write(in.get(), content.data(), static_cast<int>(content.size())) !=
          static_cast<int>(content.size()) ||
      BIO_flush(in.get()) != 1 || CMS_dataFinal(cms.get(), in.get()) != 1) {
    return Unfit("a key that nothing can be encrypted to");
  }
  return Der<CMS_ContentInfo>(cms.get(), &i2d_CMS_ContentInfo);
}

}  // namespace sealfold
