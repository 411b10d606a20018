// The fold, one element after another in plain C++: what every vector target must give, bit for
// bit, and what they use for the few elements that do not fill a vector. Same contracts as in
// fold.h and finish_mean.h.
#ifndef SEALFOLD_AGGREGATOR_CORE_FOLD_FOLD_REFERENCE_H_
#define SEALFOLD_AGGREGATOR_CORE_FOLD_FOLD_REFERENCE_H_

#include <cstdint>

#include "absl/types/span.h"
#include "aggregator/core/fold/fold.h"
#include "protocol/base/bytes.h"
#include "protocol/model/tensor.h"

namespace sealfold::fold_reference {

// The bits of the greatest finite element that is at most `range`, without sign. As elements
// without sign are ordered like their bits, and infinities and NaN come after all others, an
// element is in range when its bits without sign are at most these. Requires: range >= 0, not NaN.
uint32_t RangeBits(Dtype dtype, double range);

bool AllInRange(Dtype dtype, ByteSpan elements, uint32_t range_bits);

uint64_t Fold(FoldInto into, Dtype dtype, absl::Span<const FoldInput> inputs, uint32_t range_bits,
              absl::Span<int64_t> sum);

void FinishMean(Dtype dtype, absl::Span<const int64_t> sum, double step, double weight_sum,
                double learning_rate, ByteSpan base, MutableByteSpan out);

}  // namespace sealfold::fold_reference

#endif  // SEALFOLD_AGGREGATOR_CORE_FOLD_FOLD_REFERENCE_H_
