// The hash algorithms of TPMs that count here, by their TPM_ALG_ID: SHA-256 and SHA-384.
#ifndef SEALFOLD_ATTEST_TPM_STRUCTURE_TPM_HASH_H_
#define SEALFOLD_ATTEST_TPM_STRUCTURE_TPM_HASH_H_

#include <openssl/evp.h>

#include <cstdint>
#include <initializer_list>

#include "protocol/base/bytes.h"

namespace sealfold {

inline constexpr uint16_t kTpmAlgSha256 = 0x000b;
inline constexpr uint16_t kTpmAlgSha384 = 0x000c;
inline constexpr uint16_t kTpmAlgNull = 0x0010;

// 32, 48, or 0 for any other algorithm.
size_t TpmHashSize(uint16_t alg);
// "SHA-256" or "SHA-384". Requires: one of them.
const char* TpmHashName(uint16_t alg);
// Requires: one of them.
const EVP_MD* TpmHashMd(uint16_t alg);

// The hash of the concatenation. Requires: SHA-256 or SHA-384.
Bytes TpmHash(uint16_t alg, std::initializer_list<ByteSpan> parts);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_STRUCTURE_TPM_HASH_H_
