#include "attest/tpm/structure/tpm_hash.h"

#include <memory>

#include "protocol/base/error.h"

namespace sealfold {

size_t TpmHashSize(uint16_t alg) {
  if (alg == kTpmAlgSha256) return 32;
  return alg == kTpmAlgSha384 ? 48 : 0;
}

const char* TpmHashName(uint16_t alg) {
  SEALFOLD_CHECK(TpmHashSize(alg) != 0);
  return alg == kTpmAlgSha256 ? "SHA-256" : "SHA-384";
}

const EVP_MD* TpmHashMd(uint16_t alg) {
  SEALFOLD_CHECK(TpmHashSize(alg) != 0);
  return alg == kTpmAlgSha256 ? EVP_sha256() : EVP_sha384();
}

Bytes TpmHash(uint16_t alg, std::initializer_list<ByteSpan> parts) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  SEALFOLD_CHECK(context != nullptr &&
                 EVP_DigestInit_ex(context.get(), TpmHashMd(alg), nullptr) == 1);
  for (ByteSpan part : parts) {
    SEALFOLD_CHECK(EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1);
  }
  Bytes digest(TpmHashSize(alg));
  SEALFOLD_CHECK(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1);
  return digest;
}

}  // namespace sealfold
