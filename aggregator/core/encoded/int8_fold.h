// Checking and folding blocks of int8 (docs/PROTOCOL.md, "int8_blocks"). Highway picks the widest
// vectors at run time; every target gives the same bits as int8_reference.h.
//
// `blocks` are whole blocks of `block_elements`, one after the other as they lie in a payload, or
// one block of fewer elements. Threads may call these at once on disjoint ranges of a sum.
#ifndef SEALFOLD_AGGREGATOR_CORE_ENCODED_INT8_FOLD_H_
#define SEALFOLD_AGGREGATOR_CORE_ENCODED_INT8_FOLD_H_

#include <cstdint>

#include "absl/types/span.h"
#include "aggregator/core/fold/fold.h"
#include "protocol/base/bytes.h"
#include "protocol/model/int8_scale.h"

namespace sealfold {

enum class Int8Fault {
  kNone,
  kScale,    // no scale at all
  kRange,    // a scale that may reach beyond the range
  kElement,  // -128, or other than 0 under a scale of 0
};

// The first fault of a scale, or else whether there is one of an element. `scale_bits_max` is
// Int8ScaleBitsMax of the range.
Int8Fault FindInt8Fault(uint64_t block_elements, ByteSpan blocks, uint32_t scale_bits_max);

// The terms round(x[i] * scale), to nearest, ties to even, of all updates are added to sum[i], or
// taken away, where x[i] is element times scale of its block. The product is exact: 7 bits of an
// element, 17 of a block's scale and 29 of a weight. Returns a bit for each update, the first
// lowest, in which FindInt8Fault would find something: as with Fold, it was folded all the same,
// and the caller takes it out again. `into` is kAdd or kSubtract, and an input's elements are its
// blocks. Requires: 1 to kFoldUpdatesMax inputs, each of sum.size() elements.
uint64_t FoldInt8(FoldInto into, uint64_t block_elements, uint32_t scale_bits_max,
                  absl::Span<const FoldInput> inputs, absl::Span<int64_t> sum);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_ENCODED_INT8_FOLD_H_
