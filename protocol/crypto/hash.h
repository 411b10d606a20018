// SHA-256 and SHA-384 (FIPS 180-4), HMAC-based HKDF-SHA256 (RFC 5869), by OpenSSL.
#ifndef SEALFOLD_PROTOCOL_CRYPTO_HASH_H_
#define SEALFOLD_PROTOCOL_CRYPTO_HASH_H_

#include <cstddef>
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

// HKDF-Extract(salt, ikm) -> 32 bytes; the ikm is the concatenation of `ikm_parts`, so that a
// secret part need not be copied.
Secret HkdfExtract(ByteSpan salt, std::initializer_list<ByteSpan> ikm_parts);
// HKDF-Expand(prk, info, length). Requires prk.size() >= 32, 0 < length <= 255 * 32, info.size() <=
// 16384.
Secret HkdfExpand(ByteSpan prk, ByteSpan info, size_t length);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_CRYPTO_HASH_H_
