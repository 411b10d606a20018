// One update's payload while it waits to be committed.
#ifndef SEALFOLD_AGGREGATOR_CORE_MEMORY_STAGED_H_
#define SEALFOLD_AGGREGATOR_CORE_MEMORY_STAGED_H_

#include <cstdint>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "aggregator/core/memory/pages.h"
#include "protocol/base/bytes.h"

namespace sealfold {

// A multiple of 64 bytes, so that no element of a payload lies in two pieces.
inline constexpr uint64_t kStagedPieceBytes = 4u << 20;

// Bytes appended in order, kept in pieces that are allocated as they are needed, locked where the
// system allows it, and wiped when drained or dropped. Moves, does not copy.
class StagedPayload {
 public:
  // Room for `size_bytes`; takes no memory yet.
  explicit StagedPayload(uint64_t size_bytes) : size_bytes_(size_bytes) {}

  // "memory_short" if the system has no memory; then nothing was appended. Requires: it fits.
  absl::Status Append(ByteSpan bytes);
  uint64_t filled_bytes() const { return filled_bytes_; }

  // Hands out each piece with its offset, in order, and gives its memory back after the call. Empty
  // afterwards.
  void Drain(absl::FunctionRef<void(uint64_t offset_bytes, ByteSpan bytes)> use);

 private:
  uint64_t size_bytes_;
  uint64_t filled_bytes_ = 0;
  std::vector<Pages> pieces_;
};

// How much of the plan's staging memory is promised to uploads.
class StagingBudget {
 public:
  explicit StagingBudget(uint64_t size_bytes_max) : size_bytes_max_(size_bytes_max) {}
  uint64_t taken_bytes() const { return taken_bytes_; }
  // Promises `size_bytes`, or returns false where there is no room.
  bool Take(uint64_t size_bytes);
  // Requires: as much was taken.
  void GiveBack(uint64_t size_bytes);

 private:
  uint64_t size_bytes_max_;
  uint64_t taken_bytes_ = 0;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_MEMORY_STAGED_H_
