// Reading a stretch of an update's payload as the tensors it covers.
#ifndef SEALFOLD_AGGREGATOR_CORE_INTAKE_PAYLOAD_H_
#define SEALFOLD_AGGREGATOR_CORE_INTAKE_PAYLOAD_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "aggregator/core/fold/grid.h"
#include "protocol/base/bytes.h"
#include "protocol/model/tensor.h"

namespace sealfold {

// Calls `tensor` for each run of one tensor's elements and `padding` for each run of bytes between
// tensors, in order, so that together they cover `bytes`, which lies at `offset_bytes` of the
// payload. Requires: offset_bytes is a multiple of 64, and so is the end unless it is the
// payload's.
void ForEachRun(
    const PayloadLayout& layout, uint64_t offset_bytes, ByteSpan bytes,
    absl::FunctionRef<void(Dtype dtype, uint64_t element_first, ByteSpan elements)> tensor,
    absl::FunctionRef<void(ByteSpan padding)> padding);

// Every element finite and within the grid's range ("out_of_range"), every padding byte zero
// ("padding_not_zero"). Requires: as ForEachRun.
absl::Status CheckPayload(const PayloadLayout& layout, const Grid& grid, uint64_t offset_bytes,
                          ByteSpan bytes);

// Adds the stretch's elements, times `scale`, to the sum of the whole model. Requires: CheckPayload
// passed.
void FoldPayload(const PayloadLayout& layout, double scale, uint64_t offset_bytes, ByteSpan bytes,
                 absl::Span<int64_t> sum);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_INTAKE_PAYLOAD_H_
