#include "protocol/base/secret_pool.h"

#include <sodium.h>

#include <array>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

// Drawn once per process, so that nobody who can write beyond a secret knows what to write.
class Canary {
 public:
  Canary() { randombytes_buf(bytes_.data(), bytes_.size()); }

  void Write(uint8_t* from, const uint8_t* end) const {
    for (size_t i = 0; from + i != end; ++i) from[i] = bytes_[i % bytes_.size()];
  }
  bool Stands(const uint8_t* from, const uint8_t* end) const {
    uint8_t differences = 0;
    for (size_t i = 0; from + i != end; ++i)
      differences = static_cast<uint8_t>(differences | (from[i] ^ bytes_[i % bytes_.size()]));
    return differences == 0;
  }

 private:
  std::array<uint8_t, SecretPool::kCanaryBytes> bytes_;
};

const Canary& TheCanary() {
  static const Canary canary;
  return canary;
}

}  // namespace

SecretPool::SecretPool(size_t cell_bytes)
    : cell_bytes_(cell_bytes), cells_per_slab_(kSlabBytes / cell_bytes) {
  SEALFOLD_CHECK(cell_bytes % 64 == 0 && cell_bytes > kCanaryBytes && cells_per_slab_ > 0);
  SEALFOLD_CHECK(sodium_init() >= 0);
}

SecretPool::~SecretPool() {
  for (auto& [base, slab] : slabs_) {
    SEALFOLD_CHECK(slab.free_cells.size() == cells_per_slab_);
    sodium_free(base);
  }
}

SecretPool& SecretPool::For(size_t size_bytes) {
  // Seeds and nonces; signing keys and digests; expanded AEAD keys.
  static SecretPool& small = *new SecretPool(64);
  static SecretPool& middle = *new SecretPool(192);
  static SecretPool& large = *new SecretPool(kPooledSecretBytesMax + 64);
  SEALFOLD_CHECK(size_bytes <= kPooledSecretBytesMax);
  for (SecretPool* pool : {&small, &middle})
    if (size_bytes + kCanaryBytes <= pool->cell_bytes_) return *pool;
  return large;
}

SecretPool::Slabs::iterator SecretPool::AddSlab() {
  auto* base = static_cast<uint8_t*>(sodium_malloc(kSlabBytes));  // whole pages: starts with one
  SEALFOLD_CHECK(base != nullptr);
  sodium_memzero(base, kSlabBytes);
  Slab slab;
  slab.free_cells.reserve(cells_per_slab_);
  for (size_t i = cells_per_slab_; i > 0; --i)
    slab.free_cells.push_back(static_cast<uint32_t>(i - 1));
  with_room_.insert(base);
  return slabs_.emplace(base, std::move(slab)).first;
}

uint8_t* SecretPool::Allocate(size_t size_bytes) {
  SEALFOLD_CHECK(size_bytes + kCanaryBytes <= cell_bytes_);
  uint8_t* data = nullptr;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto slab = with_room_.empty() ? AddSlab() : slabs_.find(*with_room_.begin());
    data = slab->first + slab->second.free_cells.back() * cell_bytes_;
    slab->second.free_cells.pop_back();
    if (slab->second.free_cells.empty()) with_room_.erase(slab->first);
  }
  // Wiped when it was freed; anything else was written through a pointer that should be gone.
  SEALFOLD_CHECK(sodium_is_zero(data, cell_bytes_) == 1);
  TheCanary().Write(data + size_bytes, data + cell_bytes_);
  return data;
}

void SecretPool::Free(uint8_t* data, size_t size_bytes) {
  SEALFOLD_CHECK(TheCanary().Stands(data + size_bytes, data + cell_bytes_));
  sodium_memzero(data, cell_bytes_);
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto slab = slabs_.lower_bound(data);
  SEALFOLD_CHECK(slab != slabs_.end() && data < slab->first + kSlabBytes);
  std::vector<uint32_t>& free_cells = slab->second.free_cells;
  free_cells.push_back(
      static_cast<uint32_t>(static_cast<size_t>(data - slab->first) / cell_bytes_));
  with_room_.insert(slab->first);
  // One with room stays, so that a secret which comes and goes does not map and unmap each time.
  if (free_cells.size() < cells_per_slab_ || with_room_.size() == 1) return;
  sodium_free(slab->first);
  with_room_.erase(slab->first);
  slabs_.erase(slab);
}

size_t SecretPool::slab_count() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return slabs_.size();
}

}  // namespace sealfold
