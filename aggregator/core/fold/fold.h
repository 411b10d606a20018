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

inline constexpr size_t kFoldUpdatesMax = 64;  // in one FoldAddMany

// True if every element is finite and |x| <= range. NaN and infinities are false. `elements` need
// not be aligned; its size is a multiple of the dtype's.
bool AllInRange(Dtype dtype, ByteSpan elements, double range);

// sum[i] += round(x[i] * scale), to nearest, ties to even. Requires: sum.size() elements in
// `elements`, all in range for the grid that `scale` came from (AllInRange).
void FoldAdd(Dtype dtype, ByteSpan elements, double scale, absl::Span<int64_t> sum);

// sum[i] -= the same terms: undoes FoldAdd exactly.
void FoldSubtract(Dtype dtype, ByteSpan elements, double scale, absl::Span<int64_t> sum);

// As FoldAdd for several updates at once, reading and writing `sum` only once. `elements[k]` with
// `scales[k]`. Requires: elements.size() == scales.size(), 1 to kFoldUpdatesMax of them.
void FoldAddMany(Dtype dtype, absl::Span<const ByteSpan> elements, absl::Span<const double> scales,
                 absl::Span<int64_t> sum);

// out[i] = dtype(base[i] + learning_rate * ((double)sum[i] * step / weight_sum)), every operation
// rounded once in double, the last to the dtype (nearest, ties to even). `base` and `out` are raw
// elements of `dtype` and may be the same memory. An overflow of the dtype gives its infinity: the
// caller checks with AllInRange.
void FinishMean(Dtype dtype, absl::Span<const int64_t> sum, double step, uint64_t weight_sum,
                double learning_rate, ByteSpan base, MutableByteSpan out);

// The name of the vector target in use: "AVX3", "AVX2", "SSE4", ... for benchmarks and logs.
const char* FoldTargetName();

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_FOLD_FOLD_H_
