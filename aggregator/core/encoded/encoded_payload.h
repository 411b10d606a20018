// Reading a stretch of a compressed update's payload: which blocks it holds, whether they are
// right, and adding them to the sum.
#ifndef SEALFOLD_AGGREGATOR_CORE_ENCODED_ENCODED_PAYLOAD_H_
#define SEALFOLD_AGGREGATOR_CORE_ENCODED_ENCODED_PAYLOAD_H_

#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "aggregator/core/batch/update_fault.h"
#include "aggregator/core/fold/fold.h"
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

// The stretch of each update in which nothing is wrong, times its scale, is added to the sum of the
// whole model, or taken away: `into` is kAdd or kSubtract, an update's elements are the bytes of
// its stretch. Returns a bit for each of the others, the first lowest: they leave no trace, and
// FindEncodedFault tells what is wrong. Requires: 1 to kFoldUpdatesMax updates, stretches of one
// size.
uint64_t FoldEncoded(FoldInto into, const PayloadLayout& layout, const Grid& grid,
                     uint64_t offset_bytes, absl::Span<const FoldInput> updates,
                     absl::Span<int64_t> sum);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_ENCODED_ENCODED_PAYLOAD_H_
