#include "aggregator/core/encoded/encoded_payload.h"

#include <algorithm>
#include <array>

#include "aggregator/core/encoded/int8_fold.h"
#include "aggregator/core/encoded/sparse_fold.h"
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

// The parts of a stretch: its blocks run by run, and the bytes before, between and after them.
template <class SeeBlocks, class SeePadding>
void ForEachPart(const PayloadLayout& layout, uint64_t offset_bytes, ByteSpan bytes,
                 SeeBlocks see_blocks, SeePadding see_padding) {
  uint64_t at = 0;
  ForEachBlockRun(layout, offset_bytes, bytes.size(), [&](const BlockRun& run) {
    const uint64_t start = run.offset_bytes - offset_bytes;
    see_padding(bytes.subspan(at, start - at));
    see_blocks(run, bytes.subspan(start, run.size_bytes));
    at = start + run.size_bytes;
  });
  see_padding(bytes.subspan(at));
}

absl::Span<int64_t> SumsOf(const PayloadLayout& layout, const BlockRun& run,
                           absl::Span<int64_t> sum) {
  return sum.subspan(layout.parts[run.part].element_first + run.element, run.elements);
}

// The updates' stretches are checked as they are folded, and those with a fault taken out again.
class Int8Stretch {
 public:
  Int8Stretch(const PayloadLayout& layout, const Grid& grid, uint64_t offset_bytes,
              absl::Span<int64_t> sum)
      : layout_(layout),
        scale_bits_max_(Int8ScaleBitsMax(grid.range())),
        offset_bytes_(offset_bytes),
        sum_(sum) {}

  uint64_t Fold(FoldInto into, absl::Span<const FoldInput> updates) const {
    uint64_t bad = FoldAll(into, updates);
    for (size_t k = 0; k < updates.size(); ++k) {
      ForEachPart(
          layout_, offset_bytes_, updates[k].elements, [](const BlockRun&, ByteSpan) {},
          [&](ByteSpan padding) { bad |= uint64_t{!IsZero(padding)} << k; });
      if ((bad >> k & 1) == 0) continue;
      FoldAll(into == FoldInto::kAdd ? FoldInto::kSubtract : FoldInto::kAdd, updates.subspan(k, 1));
    }
    return bad;
  }

 private:
  uint64_t FoldAll(FoldInto into, absl::Span<const FoldInput> updates) const {
    uint64_t bad = 0;
    const uint64_t size_bytes = updates[0].elements.size();
    ForEachBlockRun(layout_, offset_bytes_, size_bytes, [&](const BlockRun& run) {
      const uint64_t start = run.offset_bytes - offset_bytes_;
      std::array<FoldInput, kFoldUpdatesMax> blocks;
      for (size_t k = 0; k < updates.size(); ++k) {
        const FoldInput& update = updates[k];
        blocks[k] = {.elements = update.elements.subspan(start, run.size_bytes),
                     .scale = update.scale,
                     .ahead = update.ahead == nullptr ? nullptr : update.ahead + start};
      }
      bad |= FoldInt8(into, layout_.encoding->block_elements, scale_bits_max_,
                      {blocks.data(), updates.size()}, SumsOf(layout_, run, sum_));
    });
    return bad;
  }

  const PayloadLayout& layout_;
  const uint32_t scale_bits_max_;
  const uint64_t offset_bytes_;
  const absl::Span<int64_t> sum_;
};

void FoldTopK(const PayloadLayout& layout, uint64_t offset_bytes, ByteSpan stretch, double scale,
              absl::Span<int64_t> sum) {
  ForEachBlockRun(layout, offset_bytes, stretch.size(), [&](const BlockRun& run) {
    FoldSparse(ShapeOf(layout, run),
               stretch.subspan(run.offset_bytes - offset_bytes, run.size_bytes), scale,
               SumsOf(layout, run, sum));
  });
}

}  // namespace

std::optional<UpdateFault> FindEncodedFault(const PayloadLayout& layout, const Grid& grid,
                                            uint64_t offset_bytes, ByteSpan bytes) {
  const bool int8 = layout.encoding->kind == EncodingKind::kInt8Blocks;
  const uint32_t scale_bits_max = int8 ? Int8ScaleBitsMax(grid.range()) : 0;
  std::optional<UpdateFault> fault;
  bool zero = true;
  ForEachPart(
      layout, offset_bytes, bytes,
      [&](const BlockRun& run, ByteSpan blocks) {
        if (fault.has_value()) return;
        fault =
            int8 ? FaultOf(FindInt8Fault(layout.encoding->block_elements, blocks, scale_bits_max))
                 : FaultOf(FindSparseFault(ShapeOf(layout, run), blocks, grid.range()));
      },
      [&](ByteSpan padding) { zero = zero && IsZero(padding); });
  if (fault.has_value()) return fault;
  return zero ? std::nullopt : std::make_optional(UpdateFault::kPaddingNotZero);
}

uint64_t FoldEncoded(FoldInto into, const PayloadLayout& layout, const Grid& grid,
                     uint64_t offset_bytes, absl::Span<const FoldInput> updates,
                     absl::Span<int64_t> sum) {
  SEALFOLD_CHECK(into == FoldInto::kAdd || into == FoldInto::kSubtract);
  SEALFOLD_CHECK(!updates.empty() && updates.size() <= kFoldUpdatesMax);
  SEALFOLD_CHECK(sum.size() == layout.sum_elements);
  if (layout.encoding->kind == EncodingKind::kInt8Blocks) {
    return Int8Stretch(layout, grid, offset_bytes, sum).Fold(into, updates);
  }
  uint64_t bad = 0;
  for (size_t k = 0; k < updates.size(); ++k) {
    const FoldInput& update = updates[k];
    if (FindEncodedFault(layout, grid, offset_bytes, update.elements).has_value()) {
      bad |= uint64_t{1} << k;
      continue;
    }
    FoldTopK(layout, offset_bytes, update.elements,
             into == FoldInto::kSubtract ? -update.scale : update.scale, sum);
  }
  return bad;
}

}  // namespace sealfold
