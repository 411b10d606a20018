// SHA-256 and SHA-384 (FIPS 180-4), HMAC-based HKDF-SHA256 (RFC 5869), by OpenSSL.
#ifndef SEALFOLD_PROTOCOL_CRYPTO_HASH_H_
#define SEALFOLD_PROTOCOL_CRYPTO_HASH_H_

#include <initializer_list>
#include <memory>

#include "protocol/base/secret.h"
#include "protocol/base/types.h"

namespace sealfold {

Digest Sha256(ByteSpan bytes);
// Of the concatenation of `parts`.
Digest Sha256(std::initializer_list<ByteSpan> parts);
Measurement Sha384(ByteSpan bytes);

// Incremental SHA-256. Moves, does not copy.
class Sha256Stream {
 public:
  Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  ~Sha256Stream();
  void Update(ByteSpan bytes);
  // The digest of what came so far; the stream may go on afterwards.
  Digest Peek() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// HKDF-Extract(salt, ikm) -> 32 bytes.
Secret HkdfExtract(ByteSpan salt, ByteSpan ikm);
// HKDF-Expand(prk, info, length). Requires length <= 255 * 32.
Secret HkdfExpand(ByteSpan prk, ByteSpan info, size_t length);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_CRYPTO_HASH_H_
