#include "protocol/crypto/random_stream.h"

#include <sodium.h>

#include <array>

#include "protocol/base/error.h"

namespace sealfold {

static_assert(kRandomStreamSeedSize == crypto_stream_chacha20_KEYBYTES);

void FillRandomStream(const Secret& seed, uint64_t stream, MutableByteSpan out) {
  SEALFOLD_CHECK(seed.size() == kRandomStreamSeedSize);
  std::array<uint8_t, crypto_stream_chacha20_NONCEBYTES> nonce;
  StoreBigEndian64(absl::MakeSpan(nonce), stream);
  SEALFOLD_CHECK(crypto_stream_chacha20(out.data(), out.size(), nonce.data(), seed.span().data()) ==
                 0);
}

}  // namespace sealfold
