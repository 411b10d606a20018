// The one owner of secret bytes.
#ifndef SEALFOLD_PROTOCOL_BASE_SECRET_H_
#define SEALFOLD_PROTOCOL_BASE_SECRET_H_

#include <cstddef>

#include "protocol/base/bytes.h"

namespace sealfold {

// Bytes in libsodium's guarded memory: between guard pages, locked where the system allows it, left
// out of core dumps, wiped when the owner goes. Small ones share such pieces (secret_pool.h), a
// canary after each; what a wild write changed ends the program when the owner goes. Up to
// kPooledSecretBytesMax they start at a multiple of 64 bytes. Moves, never copies; there is no way
// to print one. The size is fixed when made. Not safe for use by several threads at once without a
// lock, as any value.
class Secret {
 public:
  Secret() = default;  // empty
  // `size_bytes` zero bytes to be filled through mutable_span().
  explicit Secret(size_t size_bytes);
  // A copy of `bytes`; the caller still owns (and wipes) those.
  static Secret CopyOf(ByteSpan bytes);

  Secret(Secret&& other) noexcept;
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret();

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  ByteSpan span() const { return ByteSpan(data_, size_); }
  MutableByteSpan mutable_span() { return MutableByteSpan(data_, size_); }

  // Wipes and frees now; empty afterwards.
  void Erase();

 private:
  uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// Overwrites `bytes` in a way that the compiler keeps.
void Wipe(MutableByteSpan bytes);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_BASE_SECRET_H_
