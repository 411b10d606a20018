// Where the blocks of a compressed update lie in its payload.
//
// A tensor's blocks follow one another from the tensor's offset; one that would reach across a
// multiple of the plan's chunk size starts there instead, and the bytes left out are zero. So every
// chunk can be read, checked and folded alone, and stands for a stretch of the sum of its own.
#ifndef SEALFOLD_PROTOCOL_MODEL_BLOCK_LAYOUT_H_
#define SEALFOLD_PROTOCOL_MODEL_BLOCK_LAYOUT_H_

#include <cstdint>

#include "absl/functional/function_ref.h"
#include "protocol/model/tensor.h"

namespace sealfold {

// Blocks of one tensor that follow one another in one chunk: whole ones, or the tensor's last one
// alone where that is shorter.
struct BlockRun {
  size_t part = 0;            // of PayloadLayout::parts
  uint64_t element = 0;       // the first one's place in the tensor
  uint64_t elements = 0;      // a multiple of block_elements, or fewer than that
  uint64_t block_bytes = 0;   // of each of the blocks
  uint64_t offset_bytes = 0;  // in the payload
  uint64_t size_bytes = 0;    // of all of them
};

// Calls `use` for the runs that lie in the stretch of `size_bytes` at `offset_bytes` of the
// payload, in order. Requires: layout.encoding; the stretch starts at a multiple of
// layout.chunk_bytes and ends at one or at the payload's end.
void ForEachBlockRun(const PayloadLayout& layout, uint64_t offset_bytes, uint64_t size_bytes,
                     absl::FunctionRef<void(const BlockRun&)> use);

// The end of the last block of a tensor that starts at `offset_bytes`.
uint64_t BlocksEndBytes(const UpdateEncoding& encoding, uint64_t chunk_bytes, Dtype dtype,
                        uint64_t offset_bytes, uint64_t elements);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_MODEL_BLOCK_LAYOUT_H_
