#include "aggregator/core/batch/payload.h"

#include <algorithm>

#include "protocol/base/error.h"

namespace sealfold {

void ForEachRun(const PayloadLayout& layout, uint64_t offset_bytes, uint64_t size_bytes,
                absl::FunctionRef<void(const TensorRun& run)> tensor,
                absl::FunctionRef<void(const PaddingRun& run)> padding) {
  const uint64_t end = offset_bytes + size_bytes;
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
      tensor({.dtype = part->dtype,
              .element_first = part->element_first + (at - part->offset_bytes) / size,
              .elements = (stop - at) / size,
              .offset_bytes = at - offset_bytes});
      at = stop;
    }
    if (at == end) break;
    ++part;
    SEALFOLD_CHECK(part != layout.parts.end());
    const uint64_t stop = std::min(end, part->offset_bytes);
    if (at < stop) padding({.offset_bytes = at - offset_bytes, .size_bytes = stop - at});
    at = stop;
  }
}

}  // namespace sealfold
