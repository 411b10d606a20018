// Reading a stretch of a compressed update's payload: which blocks it holds, whether they are
// right, and adding them to the sum.
#ifndef SEALFOLD_AGGREGATOR_CORE_ENCODED_ENCODED_PAYLOAD_H_
#define SEALFOLD_AGGREGATOR_CORE_ENCODED_ENCODED_PAYLOAD_H_

#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "aggregator/core/batch/update_fault.h"
#include "aggregator/core/fold/grid.h"
#include "protocol/base/bytes.h"
#include "protocol/model/tensor.h"

namespace sealfold {

// A stretch is whole chunks: it starts at a multiple of the layout's chunk size and ends at one or
// at the payload's end. Both functions require a layout with an encoding. Different chunks stand
// for disjoint ranges of the sum, so that threads may fold them at once.

// What is wrong, if anything: blocks that are not as the encoding wants them, a decoded element
// beyond the grid's range, or other bytes that are not zero. Never kSealBroken.
std::optional<UpdateFault> FindEncodedFault(const PayloadLayout& layout, const Grid& grid,
                                            uint64_t offset_bytes, ByteSpan bytes);

// Adds the stretch of each update, times its scale, to the sum of the whole model. `updates[k]`
// goes with `scales[k]`; all have the stretch's size; 1 to kFoldUpdatesMax of them. Requires:
// FindEncodedFault found none.
void FoldEncoded(const PayloadLayout& layout, absl::Span<const double> scales,
                 uint64_t offset_bytes, absl::Span<const ByteSpan> updates,
                 absl::Span<int64_t> sum);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_ENCODED_ENCODED_PAYLOAD_H_
