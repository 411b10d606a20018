#include "protocol/model/encoding.h"

#include <algorithm>
#include <bit>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr uint64_t kScaleBytes = 4;
constexpr uint64_t kPlaceBytes = 2;

}  // namespace

absl::Span<const char* const> CborEnumNames(EncodingKind) {
  static constexpr const char* kNames[] = {"int8_blocks", "top_k"};
  return kNames;
}

uint64_t UpdateEncoding::carried(uint64_t elements) const {
  return kind == EncodingKind::kTopK ? std::min(*kept, elements) : elements;
}

uint64_t UpdateEncoding::block_bytes(Dtype dtype, uint64_t elements) const {
  if (kind == EncodingKind::kInt8Blocks) return kScaleBytes + elements;
  return carried(elements) * (kPlaceBytes + DtypeSizeBytes(dtype));
}

absl::Status CheckUpdateEncoding(const UpdateEncoding& encoding, uint64_t chunk_bytes) {
  if (!std::has_single_bit(encoding.block_elements) ||
      encoding.block_elements < kBlockElementsMin || encoding.block_elements > kBlockElementsMax) {
    return BadInput(
        {.code = "encoding_block_elements",
         .what = "block_elements of the update's encoding",
         .expected = absl::StrCat("a power of two, ", kBlockElementsMin, " to ", kBlockElementsMax),
         .found = absl::StrCat(encoding.block_elements)});
  }
  const bool top_k = encoding.kind == EncodingKind::kTopK;
  const bool kept_right = top_k ? encoding.kept.has_value() && *encoding.kept >= 1 &&
                                      *encoding.kept <= encoding.block_elements
                                : !encoding.kept.has_value();
  if (!kept_right) {
    return BadInput(
        {.code = "encoding_kept",
         .what = "kept of the update's encoding",
         .expected = top_k ? absl::StrCat("1 to block_elements, ", encoding.block_elements)
                           : "no such field",
         .found = encoding.kept.has_value() ? absl::StrCat(*encoding.kept) : "none",
         .advice = top_k ? "say how many elements of each block are sent" : ""});
  }
  const uint64_t block_bytes = encoding.block_bytes(Dtype::kF32, encoding.block_elements);
  if (block_bytes > chunk_bytes) {
    return BadInput({.code = "encoding_block_bytes",
                     .what = "a block of the update's encoding",
                     .expected = absl::StrCat("at most chunk_bytes, ", chunk_bytes, " bytes"),
                     .found = absl::StrCat(block_bytes, " bytes"),
                     .advice = "choose smaller blocks, fewer kept elements or larger chunks"});
  }
  return absl::OkStatus();
}

}  // namespace sealfold
