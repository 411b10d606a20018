#include "aggregator/core/encoded/encoded_payload.h"

#include <algorithm>
#include <array>

#include "aggregator/core/encoded/int8_fold.h"
#include "aggregator/core/encoded/sparse_fold.h"
#include "aggregator/core/fold/fold.h"
#include "protocol/base/error.h"
#include "protocol/model/block_layout.h"

namespace sealfold {
namespace {

std::optional<UpdateFault> FaultOf(Int8Fault fault) {
  switch (fault) {
    case Int8Fault::kScale:
      return UpdateFault::kScaleWrong;
    case Int8Fault::kRange:
      return UpdateFault::kOutOfRange;
    case Int8Fault::kElement:
      return UpdateFault::kElementWrong;
    case Int8Fault::kNone:
      break;
  }
  return std::nullopt;
}

std::optional<UpdateFault> FaultOf(SparseFault fault) {
  switch (fault) {
    case SparseFault::kPlace:
      return UpdateFault::kPlaceWrong;
    case SparseFault::kOrder:
      return UpdateFault::kPlacesUnordered;
    case SparseFault::kRange:
      return UpdateFault::kOutOfRange;
    case SparseFault::kNone:
      break;
  }
  return std::nullopt;
}

SparseShape ShapeOf(const PayloadLayout& layout, const BlockRun& run) {
  const uint64_t block_elements = std::min(layout.encoding->block_elements, run.elements);
  return {.dtype = layout.parts[run.part].dtype,
          .block_elements = block_elements,
          .carried = layout.encoding->carried(block_elements)};
}

bool IsZero(ByteSpan bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

}  // namespace

std::optional<UpdateFault> FindEncodedFault(const PayloadLayout& layout, const Grid& grid,
                                            uint64_t offset_bytes, ByteSpan bytes) {
  const bool int8 = layout.encoding->kind == EncodingKind::kInt8Blocks;
  const uint32_t scale_bits_max = int8 ? Int8ScaleBitsMax(grid.range()) : 0;
  std::optional<UpdateFault> fault;
  bool zero = true;
  uint64_t at = 0;  // in `bytes`
  ForEachBlockRun(layout, offset_bytes, bytes.size(), [&](const BlockRun& run) {
    const uint64_t start = run.offset_bytes - offset_bytes;
    zero = zero && IsZero(bytes.subspan(at, start - at));
    at = start + run.size_bytes;
    if (fault.has_value()) return;
    const ByteSpan blocks = bytes.subspan(start, run.size_bytes);
    fault = int8 ? FaultOf(FindInt8Fault(layout.encoding->block_elements, blocks, scale_bits_max))
                 : FaultOf(FindSparseFault(ShapeOf(layout, run), blocks, grid.range()));
  });
  if (fault.has_value()) return fault;
  return zero && IsZero(bytes.subspan(at)) ? std::nullopt
                                           : std::make_optional(UpdateFault::kPaddingNotZero);
}

void FoldEncoded(const PayloadLayout& layout, absl::Span<const double> scales,
                 uint64_t offset_bytes, absl::Span<const ByteSpan> updates,
                 absl::Span<int64_t> sum) {
  SEALFOLD_CHECK(!updates.empty() && updates.size() <= kFoldUpdatesMax);
  SEALFOLD_CHECK(updates.size() == scales.size() && sum.size() == layout.sum_elements);
  ForEachBlockRun(layout, offset_bytes, updates[0].size(), [&](const BlockRun& run) {
    const absl::Span<int64_t> sums =
        sum.subspan(layout.parts[run.part].element_first + run.element, run.elements);
    std::array<ByteSpan, kFoldUpdatesMax> blocks;
    for (size_t k = 0; k < updates.size(); ++k) {
      blocks[k] = updates[k].subspan(run.offset_bytes - offset_bytes, run.size_bytes);
    }
    if (layout.encoding->kind == EncodingKind::kInt8Blocks) {
      FoldInt8Many(layout.encoding->block_elements, {blocks.data(), updates.size()}, scales, sums);
      return;
    }
    const SparseShape shape = ShapeOf(layout, run);
    for (size_t k = 0; k < updates.size(); ++k) FoldSparse(shape, blocks[k], scales[k], sums);
  });
}

}  // namespace sealfold
