// Guarded memory for many small secrets. Inside of Secret.
#ifndef SEALFOLD_PROTOCOL_BASE_SECRET_POOL_H_
#define SEALFOLD_PROTOCOL_BASE_SECRET_POOL_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <vector>

namespace sealfold {

// The greatest secret that shares a piece of guarded memory: an expanded AES-GCM key is one.
inline constexpr size_t kPooledSecretBytesMax = 1024;

// Cells of one size, cut from slabs that sodium_malloc gave: locked where the system allows it,
// left out of core dumps, between guard pages. A piece of its own for each secret would be four
// mappings, and a process may have 65 530: some thousands of participants' keys would not fit.
// After each secret stands a canary up to the end of its cell. Any thread may call at any time.
class SecretPool {
 public:
  // `cell_bytes` is a multiple of 64; a cell holds up to cell_bytes - kCanaryBytes.
  explicit SecretPool(size_t cell_bytes);
  SecretPool(const SecretPool&) = delete;
  SecretPool& operator=(const SecretPool&) = delete;
  // Requires: every cell was freed.
  ~SecretPool();

  static constexpr size_t kCanaryBytes = 16;
  static constexpr size_t kSlabBytes = 32 << 10;

  // The pool of this process that has cells for `size_bytes`. Never destroyed, so that a static
  // Secret can go at any time. Requires: size_bytes <= kPooledSecretBytesMax.
  static SecretPool& For(size_t size_bytes);

  // `size_bytes` zero bytes, their canary behind them.
  uint8_t* Allocate(size_t size_bytes);
  // Wipes the cell. Requires: Allocate(size_bytes) returned `data`. Ends the program if the canary
  // has changed. A slab is freed with its last cell, except that one is kept.
  void Free(uint8_t* data, size_t size_bytes);

  size_t slab_count() const;

 private:
  struct Slab {
    std::vector<uint32_t> free_cells;  // outside of the slab: a freed cell is all zero
  };
  // By address, so that the first not after a cell is its own.
  using Slabs = std::map<uint8_t*, Slab, std::greater<uint8_t*>>;

  Slabs::iterator AddSlab();

  const size_t cell_bytes_;
  const size_t cells_per_slab_;
  mutable std::mutex mutex_;
  Slabs slabs_;
  std::set<uint8_t*> with_room_;  // the slabs that have free cells
};

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_BASE_SECRET_POOL_H_
