// Checking and folding blocks of top_k (docs/PROTOCOL.md, "top_k"): one element after another, as
// their places are spread over the sum.
//
// `blocks` are blocks of `block_elements` that carry `carried` elements each, one after the other
// as they lie in a payload. A place in a block is two bytes, so block_elements is at most 65536.
#ifndef SEALFOLD_AGGREGATOR_CORE_ENCODED_SPARSE_FOLD_H_
#define SEALFOLD_AGGREGATOR_CORE_ENCODED_SPARSE_FOLD_H_

#include <cstdint>

#include "absl/types/span.h"
#include "protocol/base/bytes.h"
#include "protocol/model/dtype.h"

namespace sealfold {

struct SparseShape {
  Dtype dtype = Dtype::kF32;
  uint64_t block_elements = 0;
  uint64_t carried = 0;  // 1 to block_elements

  uint64_t places_bytes() const { return carried * sizeof(uint16_t); }
  uint64_t block_bytes() const { return places_bytes() + carried * DtypeSizeBytes(dtype); }
};

enum class SparseFault {
  kNone,
  kPlace,  // a place that the block does not have
  kOrder,  // a place not above the one before it
  kRange,  // an element not finite or not within [-range, range]
};

// The first block's fault, if any.
SparseFault FindSparseFault(const SparseShape& shape, ByteSpan blocks, double range);

// sum[place] += round(x * scale) for every element carried, to nearest, ties to even; block i's
// sums start at i * block_elements. Requires: FindSparseFault found none with the grid's range; as
// many blocks as the sum has.
void FoldSparse(const SparseShape& shape, ByteSpan blocks, double scale, absl::Span<int64_t> sum);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_ENCODED_SPARSE_FOLD_H_
