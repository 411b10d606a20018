#include "protocol/base/secret.h"

#include <sodium.h>

#include <algorithm>
#include <utility>

#include "protocol/base/error.h"
#include "protocol/base/secret_pool.h"

namespace sealfold {

Secret::Secret(size_t size_bytes) : size_(size_bytes) {
  SEALFOLD_CHECK(sodium_init() >= 0);
  if (size_bytes == 0) return;
  if (size_bytes <= kPooledSecretBytesMax) {
    data_ = SecretPool::For(size_bytes).Allocate(size_bytes);
    return;
  }
  data_ = static_cast<uint8_t*>(sodium_malloc(size_bytes));
  SEALFOLD_CHECK(data_ != nullptr);
  std::fill_n(data_, size_, uint8_t{0});
}

Secret Secret::CopyOf(ByteSpan bytes) {
  Secret out(bytes.size());
  std::copy(bytes.begin(), bytes.end(), out.data_);
  return out;
}

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    Erase();
    data_ = std::exchange(other.data_, nullptr);
    size_ = std::exchange(other.size_, 0);
  }
  return *this;
}

Secret::~Secret() { Erase(); }

void Secret::Erase() {
  if (data_ != nullptr && size_ <= kPooledSecretBytesMax) {
    SecretPool::For(size_).Free(data_, size_);
  } else if (data_ != nullptr) {
    sodium_free(data_);  // wipes first
  }
  data_ = nullptr;
  size_ = 0;
}

void Wipe(MutableByteSpan bytes) { sodium_memzero(bytes.data(), bytes.size()); }

}  // namespace sealfold
