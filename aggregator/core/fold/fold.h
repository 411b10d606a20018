// The kernels of the fold. Highway picks the widest vectors at run time; every target gives the
// same bits as the scalar reference in fold_reference.h.
//
// Elements come as raw little-endian bytes of one dtype. Sums are int64 counts of grid steps.
// Threads may call these at once on disjoint ranges of a sum.
#ifndef SEALFOLD_AGGREGATOR_CORE_FOLD_FOLD_H_
#define SEALFOLD_AGGREGATOR_CORE_FOLD_FOLD_H_

#include <cstdint>

#include "absl/types/span.h"
#include "aggregator/core/fold/grid.h"
#include "protocol/base/bytes.h"
#include "protocol/model/tensor.h"

namespace sealfold {

inline constexpr size_t kFoldUpdatesMax = 64;  // in one Fold

// What is done to a sum with the terms of some updates.
enum class FoldInto {
  kSet,            // it becomes their sum
  kSetPastCaches,  // so too, and it will not be read soon
  kAdd,            // they are added
  kSubtract,       // they are taken away: undoes the others exactly, whatever the elements are
};

// One update's elements.
struct FoldInput {
  ByteSpan elements;  // need not be aligned
  double scale = 0;   // of its weight (Grid::Scale)
  // Null, or memory that will soon be read, of as many bytes: it is fetched meanwhile. A hint:
  // nothing is read here, and it need not be there.
  const uint8_t* ahead = nullptr;
};

// The terms round(x[i] * scale), to nearest, ties to even, of all updates together go into sum[i].
// Returns a bit for each update, the first lowest, that has an element which is not finite or
// beyond [-range, range]: it was folded all the same, into numbers that mean nothing but are the
// same whenever the same elements go into the same sum, and the caller takes it out again by
// kSubtract. Requires: 1 to kFoldUpdatesMax inputs, each of sum.size() elements.
uint64_t Fold(FoldInto into, Dtype dtype, absl::Span<const FoldInput> inputs, double range,
              absl::Span<int64_t> sum);

// True if every element is finite and |x| <= range. NaN and infinities are false. `elements` need
// not be aligned; its size is a multiple of the dtype's.
bool AllInRange(Dtype dtype, ByteSpan elements, double range);

// The name of the vector target in use: "AVX3", "AVX2", "SSE4", ... for benchmarks and logs.
const char* FoldTargetName();

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_FOLD_FOLD_H_
