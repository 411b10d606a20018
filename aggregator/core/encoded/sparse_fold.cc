#include "aggregator/core/encoded/sparse_fold.h"

#include <cstring>

#include "aggregator/core/fold/fold.h"
#include "aggregator/core/fold/rounding.h"
#include "protocol/base/error.h"
#include "protocol/model/element.h"

namespace sealfold {
namespace {

uint16_t PlaceAt(ByteSpan block, uint64_t index) {
  uint16_t place = 0;  // little-endian, as element.cc asserts of the machine
  std::memcpy(&place, block.data() + index * sizeof(place), sizeof(place));
  return place;
}

SparseFault FindPlaceFault(const SparseShape& shape, ByteSpan block) {
  uint64_t least = 0;  // that the next place may be
  for (uint64_t i = 0; i < shape.carried; ++i) {
    const uint64_t place = PlaceAt(block, i);
    if (place >= shape.block_elements) return SparseFault::kPlace;
    if (place < least) return SparseFault::kOrder;
    least = place + 1;
  }
  return SparseFault::kNone;
}

}  // namespace

SparseFault FindSparseFault(const SparseShape& shape, ByteSpan blocks, double range) {
  SEALFOLD_CHECK(shape.carried >= 1 && blocks.size() % shape.block_bytes() == 0);
  for (; !blocks.empty(); blocks.remove_prefix(shape.block_bytes())) {
    const SparseFault fault = FindPlaceFault(shape, blocks);
    if (fault != SparseFault::kNone) return fault;
    const ByteSpan elements = blocks.first(shape.block_bytes()).subspan(shape.places_bytes());
    if (!AllInRange(shape.dtype, elements, range)) return SparseFault::kRange;
  }
  return SparseFault::kNone;
}

void FoldSparse(const SparseShape& shape, ByteSpan blocks, double scale, absl::Span<int64_t> sum) {
  SEALFOLD_CHECK(blocks.size() / shape.block_bytes() * shape.block_elements == sum.size());
  const size_t element_bytes = DtypeSizeBytes(shape.dtype);
  for (; !blocks.empty(); blocks.remove_prefix(shape.block_bytes())) {
    const uint8_t* element = blocks.data() + shape.places_bytes();
    for (uint64_t i = 0; i < shape.carried; ++i, element += element_bytes) {
      int64_t& total = sum[PlaceAt(blocks, i)];
      total = static_cast<int64_t>(static_cast<uint64_t>(total) +
                                   RoundedTerm(ReadElement(shape.dtype, element) * scale));
    }
    sum.remove_prefix(shape.block_elements);
  }
}

}  // namespace sealfold
