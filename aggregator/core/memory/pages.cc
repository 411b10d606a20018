#include "aggregator/core/memory/pages.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/base/secret.h"

namespace sealfold {

absl::StatusOr<Pages> Pages::Map(uint64_t size_bytes, Use use) {
  SEALFOLD_CHECK(size_bytes > 0);
  void* data =
      mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (data == MAP_FAILED) {
    return Refused({.code = "memory_short",
                    .what = "memory of the aggregator",
                    .expected = absl::StrCat(size_bytes, " bytes"),
                    .found = std::strerror(errno),
                    .advice = "give the aggregator more memory, or plan less staging"});
  }
  // All of these are wishes: a system without them still computes the same.
  if (use == Use::kSecret) {
    (void)madvise(data, size_bytes, MADV_DONTDUMP);
    (void)mlock2(data, size_bytes, MLOCK_ONFAULT);
  }
  (void)madvise(data, size_bytes, MADV_HUGEPAGE);
  return Pages(static_cast<uint8_t*>(data), size_bytes, use);
}

Pages::Pages(Pages&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_bytes_(std::exchange(other.size_bytes_, 0)),
      use_(other.use_),
      written_(std::exchange(other.written_, false)) {}

Pages& Pages::operator=(Pages&& other) noexcept {
  if (this != &other) {
    Release();
    data_ = std::exchange(other.data_, nullptr);
    size_bytes_ = std::exchange(other.size_bytes_, 0);
    use_ = other.use_;
    written_ = std::exchange(other.written_, false);
  }
  return *this;
}

Pages::~Pages() { Release(); }

MutableByteSpan Pages::Write() {
  written_ = true;
  return MutableByteSpan(data_, size_bytes_);
}

void Pages::Release() {
  if (data_ == nullptr) return;
  if (written_ && use_ == Use::kSecret) Wipe(MutableByteSpan(data_, size_bytes_));
  SEALFOLD_CHECK(munmap(data_, size_bytes_) == 0);
  data_ = nullptr;
  size_bytes_ = 0;
  written_ = false;
}

}  // namespace sealfold
