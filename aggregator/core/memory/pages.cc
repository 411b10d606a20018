#include "aggregator/core/memory/pages.h"

#include <sys/mman.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/base/secret.h"

namespace sealfold {
namespace {

// Mappings that nobody uses, by use. Those of secrets are wiped, locked and out of dumps already.
class KeptPages {
 public:
  void Keep(bool keep) {
    const std::lock_guard<std::mutex> lock(mutex_);
    keep_ = keep;
    if (keep) return;
    for (Mappings& mappings : kept_) GiveBack(mappings);
  }

  // Null: there is none, and nothing else of that use is kept.
  uint8_t* Take(uint64_t size_bytes, Pages::Use use) {
    if (size_bytes < kKeptPagesBytesMin) return nullptr;
    const std::lock_guard<std::mutex> lock(mutex_);
    Mappings& mappings = kept_[Index(use)];
    if (!mappings.data.empty() && mappings.size_bytes == size_bytes) {
      uint8_t* const data = mappings.data.back();
      mappings.data.pop_back();
      return data;
    }
    GiveBack(mappings);
    return nullptr;
  }

  // False: not kept.
  bool Put(uint8_t* data, uint64_t size_bytes, Pages::Use use) {
    if (size_bytes < kKeptPagesBytesMin) return false;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!keep_) return false;
    Mappings& mappings = kept_[Index(use)];
    if (mappings.size_bytes != size_bytes) GiveBack(mappings);
    mappings.size_bytes = size_bytes;
    mappings.data.push_back(data);
    return true;
  }

 private:
  struct Mappings {
    uint64_t size_bytes = 0;  // of each
    std::vector<uint8_t*> data;
  };
  static size_t Index(Pages::Use use) { return use == Pages::Use::kSecret ? 0 : 1; }
  static void GiveBack(Mappings& mappings) {
    for (uint8_t* data : mappings.data) SEALFOLD_CHECK(munmap(data, mappings.size_bytes) == 0);
    mappings.data.clear();
  }

  std::mutex mutex_;
  bool keep_ = false;
  std::array<Mappings, 2> kept_;
};

// Never destroyed: pages may be released by what is static itself.
KeptPages& Kept() {
  static KeptPages& kept = *new KeptPages;
  return kept;
}

}  // namespace

void KeepReleasedPages(bool keep) { Kept().Keep(keep); }

absl::StatusOr<Pages> Pages::Map(uint64_t size_bytes, Use use) {
  SEALFOLD_CHECK(size_bytes > 0);
  if (uint8_t* const kept = Kept().Take(size_bytes, use); kept != nullptr) {
    return Pages(kept, size_bytes, use);
  }
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
  if (!Kept().Put(data_, size_bytes_, use_)) SEALFOLD_CHECK(munmap(data_, size_bytes_) == 0);
  data_ = nullptr;
  size_bytes_ = 0;
  written_ = false;
}

}  // namespace sealfold
