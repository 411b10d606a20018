#include "aggregator/core/intake/payload.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "aggregator/core/fold/fold.h"
#include "protocol/base/error.h"

namespace sealfold {

void ForEachRun(
    const PayloadLayout& layout, uint64_t offset_bytes, ByteSpan bytes,
    absl::FunctionRef<void(Dtype dtype, uint64_t element_first, ByteSpan elements)> tensor,
    absl::FunctionRef<void(ByteSpan padding)> padding) {
  const uint64_t end = offset_bytes + bytes.size();
  SEALFOLD_CHECK(offset_bytes % 64 == 0 && end <= layout.size_bytes);
  SEALFOLD_CHECK(end % 64 == 0 || end == layout.size_bytes);
  // The last part that starts at or before the stretch; the first one starts at 0.
  auto part = std::upper_bound(layout.parts.begin(), layout.parts.end(), offset_bytes,
                               [](uint64_t offset, const PayloadLayout::Part& p) {
                                 return offset < p.offset_bytes;
                               }) -
              1;
  uint64_t at = offset_bytes;
  while (at < end) {
    const uint64_t size = DtypeSizeBytes(part->dtype);
    const uint64_t part_end = part->offset_bytes + part->elements * size;
    if (at < part_end) {
      const uint64_t stop = std::min(end, part_end);
      tensor(part->dtype, part->element_first + (at - part->offset_bytes) / size,
             bytes.subspan(at - offset_bytes, stop - at));
      at = stop;
    }
    if (at == end) break;
    ++part;
    SEALFOLD_CHECK(part != layout.parts.end());
    const uint64_t stop = std::min(end, part->offset_bytes);
    if (at < stop) padding(bytes.subspan(at - offset_bytes, stop - at));
    at = stop;
  }
}

absl::Status CheckPayload(const PayloadLayout& layout, const Grid& grid, uint64_t offset_bytes,
                          ByteSpan bytes) {
  bool in_range = true;
  bool padded = true;
  ForEachRun(
      layout, offset_bytes, bytes,
      [&](Dtype dtype, uint64_t, ByteSpan elements) {
        in_range = in_range && AllInRange(dtype, elements, grid.range());
      },
      [&](ByteSpan padding) {
        padded = padded && std::all_of(padding.begin(), padding.end(),
                                       [](uint8_t byte) { return byte == 0; });
      });
  // What was found stays unsaid: it is the participant's data.
  if (!in_range) {
    return Refused(
        {.code = "out_of_range",
         .what = "elements of the update",
         .expected = absl::StrCat("finite, within [-", grid.range(), ", ", grid.range(), "]"),
         .found = "an element that is not",
         .advice = "the upload was discarded: clip the update to the plan's range"});
  }
  if (!padded) {
    return Refused({.code = "padding_not_zero",
                    .what = "bytes between the tensors of the update",
                    .expected = "zero",
                    .found = "other bytes",
                    .advice = "the upload was discarded: lay the payload out as the plan says"});
  }
  return absl::OkStatus();
}

void FoldPayload(const PayloadLayout& layout, double scale, uint64_t offset_bytes, ByteSpan bytes,
                 absl::Span<int64_t> sum) {
  SEALFOLD_CHECK(sum.size() == layout.elements);
  ForEachRun(
      layout, offset_bytes, bytes,
      [&](Dtype dtype, uint64_t element_first, ByteSpan elements) {
        FoldAdd(dtype, elements, scale,
                sum.subspan(element_first, elements.size() / DtypeSizeBytes(dtype)));
      },
      [](ByteSpan) {});
}

}  // namespace sealfold
