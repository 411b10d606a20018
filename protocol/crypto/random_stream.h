// Reproducible random bytes from a seed: ChaCha20's key stream (RFC 8439's cipher with a 64-bit
// nonce) by libsodium.
#ifndef SEALFOLD_PROTOCOL_CRYPTO_RANDOM_STREAM_H_
#define SEALFOLD_PROTOCOL_CRYPTO_RANDOM_STREAM_H_

#include <cstdint>

#include "protocol/base/secret.h"

namespace sealfold {

inline constexpr size_t kRandomStreamSeedSize = 32;

// Fills `out` with the first bytes of stream number `stream` of `seed`: a function of these alone.
// Requires: seed.size() == kRandomStreamSeedSize.
void FillRandomStream(const Secret& seed, uint64_t stream, MutableByteSpan out);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_CRYPTO_RANDOM_STREAM_H_
