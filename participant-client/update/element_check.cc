#include "participant-client/update/element_check.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

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

uint32_t RawF32(const uint8_t* element) {
  uint32_t raw = 0;
  std::memcpy(&raw, element, sizeof(raw));
  return raw;
}

// Most updates are F32, so these are looked at many at once. Without the sign a float's bits rise
// with its value, infinities and NaNs last: what is above the bits of the greatest float in range
// is a fault.
constexpr size_t kElementsAtOnce = 1024;
constexpr uint32_t kWithoutSign = 0x7fffffff;

uint32_t GreatestRaw(double range) {
  auto greatest = static_cast<float>(std::min<double>(range, std::numeric_limits<float>::max()));
  if (static_cast<double>(greatest) > range) greatest = std::nextafter(greatest, 0.0F);
  return std::bit_cast<uint32_t>(greatest);
}

// Whether one of kElementsAtOnce elements is a fault. A loop that compilers make vectors of.
bool AnyAbove(const uint8_t* elements, uint32_t greatest_raw) {
  uint32_t below_zero = 0;  // its top bit, if a difference was
  for (size_t i = 0; i < kElementsAtOnce; ++i) {
    below_zero |= greatest_raw - (RawF32(elements + i * sizeof(float)) & kWithoutSign);
  }
  return below_zero > kWithoutSign;
}

}  // namespace

std::optional<ElementFinding> FindElementFault(Dtype dtype, ByteSpan elements, double range) {
  const size_t size_bytes = DtypeSizeBytes(dtype);
  if (dtype == Dtype::kF32) {
    const uint32_t greatest_raw = GreatestRaw(range);
    const size_t step_bytes = kElementsAtOnce * sizeof(float);
    size_t done_bytes = 0;
    while (elements.size() - done_bytes >= step_bytes &&
           !AnyAbove(elements.data() + done_bytes, greatest_raw)) {
      done_bytes += step_bytes;
    }
    auto finding =
        Find(elements.subspan(done_bytes), size_bytes, range,
             [](const uint8_t* element) { return std::bit_cast<float>(RawF32(element)); });
    if (finding.has_value()) finding->index += done_bytes / sizeof(float);
    return finding;
  }
  return Find(elements, size_bytes, range,
              [dtype](const uint8_t* element) { return ReadElement(dtype, element); });
}

}  // namespace sealfold
