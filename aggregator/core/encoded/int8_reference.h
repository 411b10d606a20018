// The int8 blocks' kernels, one element after another in plain C++: what every vector target must
// give, bit for bit. Same contracts as in int8_fold.h.
#ifndef SEALFOLD_AGGREGATOR_CORE_ENCODED_INT8_REFERENCE_H_
#define SEALFOLD_AGGREGATOR_CORE_ENCODED_INT8_REFERENCE_H_

#include "aggregator/core/encoded/int8_fold.h"

namespace sealfold::int8_reference {

Int8Fault FindInt8Fault(uint64_t block_elements, ByteSpan blocks, uint32_t scale_bits_max);

uint64_t FoldInt8(FoldInto into, uint64_t block_elements, uint32_t scale_bits_max,
                  absl::Span<const FoldInput> inputs, absl::Span<int64_t> sum);

// The faults that a block's scale alone may have.
inline Int8Fault ScaleFault(uint32_t scale_bits, uint32_t scale_bits_max) {
  if (!IsInt8Scale(scale_bits)) return Int8Fault::kScale;
  return scale_bits > scale_bits_max ? Int8Fault::kRange : Int8Fault::kNone;
}

}  // namespace sealfold::int8_reference

#endif  // SEALFOLD_AGGREGATOR_CORE_ENCODED_INT8_REFERENCE_H_
