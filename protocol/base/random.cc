#include "protocol/base/random.h"

#include <sodium.h>

namespace sealfold {

void FillRandom(MutableByteSpan out) {
  SEALFOLD_CHECK(sodium_init() >= 0);
  if (!out.empty()) randombytes_buf(out.data(), out.size());
}

Secret RandomSecret(size_t size_bytes) {
  Secret out(size_bytes);
  FillRandom(out.mutable_span());
  return out;
}

SessionNonce RandomNonce() {
  SessionNonce nonce;
  FillRandom(nonce.mutable_span());
  return nonce;
}

}  // namespace sealfold
