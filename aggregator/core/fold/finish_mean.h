// From a final sum to the elements of the new model.
#ifndef SEALFOLD_AGGREGATOR_CORE_FOLD_FINISH_MEAN_H_
#define SEALFOLD_AGGREGATOR_CORE_FOLD_FINISH_MEAN_H_

#include <cstdint>

#include "absl/types/span.h"
#include "protocol/base/bytes.h"
#include "protocol/model/tensor.h"

namespace sealfold {

// out[i] = dtype(base[i] + learning_rate * ((double)sum[i] * step / weight_sum)), every operation
// rounded once in double, the last to the dtype (nearest, ties to even). `base` and `out` are raw
// elements of `dtype` and may be the same memory. An overflow of the dtype gives its infinity: the
// caller checks with AllInRange.
void FinishMean(Dtype dtype, absl::Span<const int64_t> sum, double step, uint64_t weight_sum,
                double learning_rate, ByteSpan base, MutableByteSpan out);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_FOLD_FINISH_MEAN_H_
