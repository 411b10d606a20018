// Updates in the clear and sums for them, in memory of the aggregator's own kind: pages as it
// stages updates in, and as it keeps the sum in.
#ifndef SEALFOLD_TESTS_BENCH_KIT_FOLD_MEMORY_H_
#define SEALFOLD_TESTS_BENCH_KIT_FOLD_MEMORY_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "aggregator/core/memory/pages.h"
#include "protocol/base/bytes.h"

namespace sealfold::bench {

class FoldMemory {
 public:
  // Room for updates of `updates_bytes` together and gaps of `gaps_bytes`, filled with what is a
  // small number in each dtype, and for sums of `elements_max`. Requires: updates_bytes a multiple
  // of 1024.
  static absl::StatusOr<FoldMemory> Make(uint64_t updates_bytes, uint64_t gaps_bytes,
                                         uint64_t elements_max);

  uint64_t updates_bytes() const { return updates_bytes_; }
  uint64_t elements_max() const { return sum_.size() / sizeof(int64_t); }
  // The first so many. Requires: elements <= elements_max().
  absl::Span<int64_t> Sums(uint64_t elements);
  absl::Span<float> PlainSums(uint64_t elements);
  // All sums and updates, without gaps, for measuring their memory.
  absl::Span<uint64_t> SumNumbers();
  absl::Span<const uint64_t> UpdateNumbers() const;
  // One after the other with `gap_bytes` between, so that they start at different places of a page:
  // else they drive one another out of the nearest cache. Requires that there is room.
  std::vector<ByteSpan> Updates(size_t count, uint64_t update_bytes, uint64_t gap_bytes) const;
  MutableByteSpan UpdateBytes() { return updates_.Write(); }

 private:
  FoldMemory(uint64_t updates_bytes, Pages updates, Pages sum, Pages plain_sum)
      : updates_bytes_(updates_bytes),
        updates_(std::move(updates)),
        sum_(std::move(sum)),
        plain_sum_(std::move(plain_sum)) {}

  uint64_t updates_bytes_;
  Pages updates_;
  Pages sum_;
  Pages plain_sum_;
};

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_KIT_FOLD_MEMORY_H_
