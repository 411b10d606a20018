// Reading a stretch of an update's payload as the tensors it covers.
#ifndef SEALFOLD_AGGREGATOR_CORE_BATCH_PAYLOAD_H_
#define SEALFOLD_AGGREGATOR_CORE_BATCH_PAYLOAD_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "protocol/base/bytes.h"
#include "protocol/model/tensor.h"

namespace sealfold {

// Elements of one tensor that lie side by side in a stretch.
struct TensorRun {
  Dtype dtype;
  uint64_t element_first;  // the first one's place in the sum
  uint64_t elements;
  uint64_t offset_bytes;  // in the stretch
  uint64_t size_bytes() const { return elements * DtypeSizeBytes(dtype); }
};

// Bytes between tensors.
struct PaddingRun {
  uint64_t offset_bytes;  // in the stretch
  uint64_t size_bytes;
};

// Calls `tensor` and `padding` for each run, in order, so that together they cover the stretch of
// `size_bytes` from `offset_bytes` of the payload on. Requires: offset_bytes is a multiple of 64,
// and so is the end unless it is the payload's.
void ForEachRun(const PayloadLayout& layout, uint64_t offset_bytes, uint64_t size_bytes,
                absl::FunctionRef<void(const TensorRun& run)> tensor,
                absl::FunctionRef<void(const PaddingRun& run)> padding);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_BATCH_PAYLOAD_H_
