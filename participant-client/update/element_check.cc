#include "participant-client/update/element_check.h"

#include <bit>
#include <cmath>
#include <cstring>

#include "protocol/model/element.h"

namespace sealfold {
namespace {

template <typename Read>
std::optional<ElementFinding> Find(ByteSpan elements, size_t size_bytes, double range, Read read) {
  const size_t count = elements.size() / size_bytes;
  for (size_t i = 0; i < count; ++i) {
    const double value = read(elements.data() + i * size_bytes);
    if (std::abs(value) <= range) continue;  // false for NaN
    const ElementFault fault = std::isnan(value)   ? ElementFault::kNan
                               : std::isinf(value) ? ElementFault::kInfinity
                                                   : ElementFault::kOutOfRange;
    return ElementFinding{.index = i, .fault = fault};
  }
  return std::nullopt;
}

}  // namespace

std::optional<ElementFinding> FindElementFault(Dtype dtype, ByteSpan elements, double range) {
  const size_t size_bytes = DtypeSizeBytes(dtype);
  if (dtype == Dtype::kF32) {
    // Without a call for each element: most updates are of these.
    return Find(elements, size_bytes, range, [](const uint8_t* element) {
      uint32_t raw = 0;
      std::memcpy(&raw, element, sizeof(raw));
      return static_cast<double>(std::bit_cast<float>(raw));
    });
  }
  return Find(elements, size_bytes, range,
              [dtype](const uint8_t* element) { return ReadElement(dtype, element); });
}

}  // namespace sealfold
