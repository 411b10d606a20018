#include "attest/x509/ecdsa.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>

#include <memory>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr int kScalarSize = 48;
using UniqueSig = std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)>;
using UniqueDigest = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

}  // namespace

bool VerifyP384(EVP_PKEY* key, ByteSpan message, ByteSpan signature) {
  if (signature.size() != kP384SignatureSize) return false;
  UniqueSig sig(ECDSA_SIG_new(), &ECDSA_SIG_free);
  BIGNUM* r = BN_bin2bn(signature.data(), kScalarSize, nullptr);
  BIGNUM* s = BN_bin2bn(signature.data() + kScalarSize, kScalarSize, nullptr);
  SEALFOLD_CHECK(sig != nullptr && r != nullptr && s != nullptr);
  SEALFOLD_CHECK(ECDSA_SIG_set0(sig.get(), r, s) == 1);  // owns both now
  unsigned char* der = nullptr;
  int der_size = i2d_ECDSA_SIG(sig.get(), &der);
  SEALFOLD_CHECK(der_size > 0);

  UniqueDigest context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  SEALFOLD_CHECK(context != nullptr);
  bool valid = EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha384(), nullptr, key) == 1 &&
               EVP_DigestVerify(context.get(), der, static_cast<size_t>(der_size), message.data(),
                                message.size()) == 1;
  OPENSSL_free(der);
  ERR_clear_error();
  return valid;
}

Bytes SignP384(EVP_PKEY* key, ByteSpan message) {
  UniqueDigest context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  Bytes der(static_cast<size_t>(EVP_PKEY_get_size(key)));
  size_t der_size = der.size();
  SEALFOLD_CHECK(context != nullptr);
  SEALFOLD_CHECK(EVP_DigestSignInit(context.get(), nullptr, EVP_sha384(), nullptr, key) == 1);
  SEALFOLD_CHECK(
      EVP_DigestSign(context.get(), der.data(), &der_size, message.data(), message.size()) == 1);
  const uint8_t* position = der.data();
  UniqueSig sig(d2i_ECDSA_SIG(nullptr, &position, static_cast<int64_t>(der_size)), &ECDSA_SIG_free);
  SEALFOLD_CHECK(sig != nullptr);
  Bytes raw(kP384SignatureSize);
  SEALFOLD_CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(sig.get()), raw.data(), kScalarSize) == kScalarSize);
  SEALFOLD_CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(sig.get()), raw.data() + kScalarSize, kScalarSize) ==
                 kScalarSize);
  return raw;
}

}  // namespace sealfold
