#include "attest/x509/ecdsa.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/obj_mac.h>

#include <memory>

#include "absl/strings/string_view.h"
#include "attest/x509/key_reading.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr size_t kScalarSize = 48;
using UniqueSig = std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)>;
using UniqueDigest = std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)>;

}  // namespace

Bytes EcdsaToDer(ByteSpan r, ByteSpan s) {
  const UniqueSig sig(ECDSA_SIG_new(), &ECDSA_SIG_free);
  BIGNUM* const r_number = BN_bin2bn(r.data(), static_cast<int>(r.size()), nullptr);
  BIGNUM* const s_number = BN_bin2bn(s.data(), static_cast<int>(s.size()), nullptr);
  SEALFOLD_CHECK(sig != nullptr && r_number != nullptr && s_number != nullptr);
  SEALFOLD_CHECK(ECDSA_SIG_set0(sig.get(), r_number, s_number) == 1);  // owns both now
  const int size = i2d_ECDSA_SIG(sig.get(), nullptr);
  SEALFOLD_CHECK(size > 0);
  Bytes der(static_cast<size_t>(size));
  uint8_t* position = der.data();
  SEALFOLD_CHECK(i2d_ECDSA_SIG(sig.get(), &position) == size);
  return der;
}

Bytes EcdsaFromDer(ByteSpan der, size_t scalar_size) {
  const uint8_t* position = der.data();
  const UniqueSig sig(d2i_ECDSA_SIG(nullptr, &position, static_cast<int64_t>(der.size())),
                      &ECDSA_SIG_free);
  SEALFOLD_CHECK(sig != nullptr);
  const int size = static_cast<int>(scalar_size);
  Bytes raw(2 * scalar_size);
  SEALFOLD_CHECK(BN_bn2binpad(ECDSA_SIG_get0_r(sig.get()), raw.data(), size) == size);
  SEALFOLD_CHECK(BN_bn2binpad(ECDSA_SIG_get0_s(sig.get()), raw.data() + scalar_size, size) == size);
  return raw;
}

bool IsOnP384(const EVP_PKEY* key) {
  char group[32] = "";
  const bool named = key != nullptr && EVP_PKEY_is_a(key, "EC") == 1 &&
                     EVP_PKEY_get_group_name(key, group, sizeof(group), nullptr) == 1;
  ERR_clear_error();
  return named && absl::string_view(group) == SN_secp384r1;
}

bool VerifyP384(EVP_PKEY* key, ByteSpan message, ByteSpan signature) {
  if (signature.size() != kP384SignatureSize) return false;
  const Bytes der = EcdsaToDer(signature.first(kScalarSize), signature.subspan(kScalarSize));
  UniqueDigest context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  SEALFOLD_CHECK(context != nullptr);
  bool valid =
      EVP_DigestVerifyInit_ex(context.get(), nullptr, "SHA384", KeyReadingContext(), nullptr, key,
                              nullptr) == 1 &&
      EVP_DigestVerify(context.get(), der.data(), der.size(), message.data(), message.size()) == 1;
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
  return EcdsaFromDer(ByteSpan(der).first(der_size), kScalarSize);
}

}  // namespace sealfold
