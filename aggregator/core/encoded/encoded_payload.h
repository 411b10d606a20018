// Reading a stretch of a compressed update's payload: which blocks it holds, whether they are
// right, and adding them to the sum.
#ifndef SEALFOLD_AGGREGATOR_CORE_ENCODED_ENCODED_PAYLOAD_H_
#define SEALFOLD_AGGREGATOR_CORE_ENCODED_ENCODED_PAYLOAD_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "aggregator/core/fold/grid.h"
#include "protocol/base/bytes.h"
#include "protocol/model/tensor.h"

namespace sealfold {

// A stretch is whole chunks: it starts at a multiple of the layout's chunk size and ends at one or
// at the payload's end. Both functions require a layout with an encoding. Different chunks stand
// for disjoint ranges of the sum, so that threads may fold them at once.

// Every block as the encoding wants it, decoded elements within the grid's range, other bytes zero.
//   "out_of_range": an element, or an int8 block's scale, that goes beyond the range
//   "block_scale_wrong", "block_element_wrong": int8_blocks
//   "block_place_wrong", "block_places_unordered": top_k
//   "padding_not_zero"
absl::Status CheckEncoded(const PayloadLayout& layout, const Grid& grid, uint64_t offset_bytes,
                          ByteSpan bytes);

// Adds the stretch of each update, times its scale, to the sum of the whole model. `updates[k]`
// goes with `scales[k]`; all have the stretch's size; 1 to kFoldUpdatesMax of them. Requires:
// CheckEncoded passed.
void FoldEncoded(const PayloadLayout& layout, absl::Span<const double> scales,
                 uint64_t offset_bytes, absl::Span<const ByteSpan> updates,
                 absl::Span<int64_t> sum);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_ENCODED_ENCODED_PAYLOAD_H_
