#include "aggregator/core/encoded/encoded_payload.h"

#include <algorithm>
#include <array>
#include <string>

#include "absl/strings/str_cat.h"
#include "aggregator/core/encoded/int8_fold.h"
#include "aggregator/core/encoded/sparse_fold.h"
#include "aggregator/core/fold/fold.h"
#include "protocol/base/error.h"
#include "protocol/model/block_layout.h"

namespace sealfold {
namespace {

// What was found stays unsaid: it is the participant's data.
absl::Status Wrong(const std::string& code, const std::string& what, const std::string& expected) {
  return Refused({.code = code,
                  .what = what,
                  .expected = expected,
                  .found = "another",
                  .advice = "the upload was discarded: encode the update as the plan says"});
}

absl::Status OutOfRange(const Grid& grid) {
  return Refused(
      {.code = "out_of_range",
       .what = "elements of the update",
       .expected = absl::StrCat("finite, within [-", grid.range(), ", ", grid.range(), "]"),
       .found = "an element that is not",
       .advice = "the upload was discarded: clip the update to the plan's range"});
}

absl::Status CheckInt8(const PayloadLayout& layout, const Grid& grid, uint32_t scale_bits_max,
                       ByteSpan blocks) {
  switch (FindInt8Fault(layout.encoding->block_elements, blocks, scale_bits_max)) {
    case Int8Fault::kScale:
      return Wrong("block_scale_wrong", "scale of a block",
                   "zero, or a positive normal float32 whose last 7 bits are zero");
    case Int8Fault::kRange:
      return OutOfRange(grid);
    case Int8Fault::kElement:
      return Wrong("block_element_wrong", "element of a block",
                   "-127 to 127, and 0 where the scale is 0");
    case Int8Fault::kNone:
      break;
  }
  return absl::OkStatus();
}

SparseShape ShapeOf(const PayloadLayout& layout, const BlockRun& run) {
  const uint64_t block_elements = std::min(layout.encoding->block_elements, run.elements);
  return {.dtype = layout.parts[run.part].dtype,
          .block_elements = block_elements,
          .carried = layout.encoding->carried(block_elements)};
}

absl::Status CheckSparse(const SparseShape& shape, const Grid& grid, ByteSpan blocks) {
  switch (FindSparseFault(shape, blocks, grid.range())) {
    case SparseFault::kPlace:
      return Wrong("block_place_wrong", "place of an element in its block",
                   absl::StrCat("0 to ", shape.block_elements - 1));
    case SparseFault::kOrder:
      return Wrong("block_places_unordered", "places of a block", "each above the one before it");
    case SparseFault::kRange:
      return OutOfRange(grid);
    case SparseFault::kNone:
      break;
  }
  return absl::OkStatus();
}

absl::Status CheckZero(ByteSpan padding) {
  if (std::all_of(padding.begin(), padding.end(), [](uint8_t byte) { return byte == 0; })) {
    return absl::OkStatus();
  }
  return Wrong("padding_not_zero", "bytes between the blocks of the update", "zero");
}

}  // namespace

absl::Status CheckEncoded(const PayloadLayout& layout, const Grid& grid, uint64_t offset_bytes,
                          ByteSpan bytes) {
  const bool int8 = layout.encoding->kind == EncodingKind::kInt8Blocks;
  const uint32_t scale_bits_max = int8 ? Int8ScaleBitsMax(grid.range()) : 0;
  absl::Status status;
  uint64_t at = 0;  // in `bytes`
  ForEachBlockRun(layout, offset_bytes, bytes.size(), [&](const BlockRun& run) {
    if (!status.ok()) return;
    const uint64_t start = run.offset_bytes - offset_bytes;
    status = CheckZero(bytes.subspan(at, start - at));
    at = start + run.size_bytes;
    if (!status.ok()) return;
    const ByteSpan blocks = bytes.subspan(start, run.size_bytes);
    status = int8 ? CheckInt8(layout, grid, scale_bits_max, blocks)
                  : CheckSparse(ShapeOf(layout, run), grid, blocks);
  });
  SEALFOLD_RETURN_IF_ERROR(status);
  return CheckZero(bytes.subspan(at));
}

void FoldEncoded(const PayloadLayout& layout, absl::Span<const double> scales,
                 uint64_t offset_bytes, absl::Span<const ByteSpan> updates,
                 absl::Span<int64_t> sum) {
  SEALFOLD_CHECK(!updates.empty() && updates.size() <= kFoldUpdatesMax);
  SEALFOLD_CHECK(updates.size() == scales.size() && sum.size() == layout.elements);
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
