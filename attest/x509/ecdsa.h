// ECDSA on P-384 with SHA-384 (COSE's ES384) in COSE's raw form, r || s (RFC 9053, 2.1), and what
// that form is in OpenSSL's, which is DER (RFC 3279, 2.2.3).
#ifndef SEALFOLD_ATTEST_X509_ECDSA_H_
#define SEALFOLD_ATTEST_X509_ECDSA_H_

#include <openssl/evp.h>

#include "protocol/base/bytes.h"

namespace sealfold {

inline constexpr size_t kP384SignatureSize = 96;

// Unsigned big-endian numbers of any size.
Bytes EcdsaToDer(ByteSpan r, ByteSpan s);
// r || s, each of `scalar_size` bytes. Requires: `der` is a signature whose numbers fit.
Bytes EcdsaFromDer(ByteSpan der, size_t scalar_size);

// False for null.
bool IsOnP384(const EVP_PKEY* key);

// True if `signature` (exactly 96 bytes) is `key`'s over `message`. Requires: `key` is on P-384.
bool VerifyP384(EVP_PKEY* key, ByteSpan message, ByteSpan signature);

// Requires: `key` is a private key on P-384. 96 bytes.
Bytes SignP384(EVP_PKEY* key, ByteSpan message);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_X509_ECDSA_H_
