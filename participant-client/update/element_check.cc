#include "participant-client/update/element_check.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace sealfold {
namespace {

float FromBf16(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

// IEEE 754 binary16; exact in float.
float FromF16(uint16_t bits) {
  int exponent = (bits >> 10) & 0x1f;
  auto mantissa = static_cast<float>(bits & 0x3ff);
  float magnitude;
  if (exponent == 0x1f) {
    magnitude = mantissa == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    magnitude = std::ldexp(mantissa, -24);
  } else {
    magnitude = std::ldexp(mantissa + 1024, exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

template <typename Raw, typename Decode>
std::optional<ElementFinding> Find(ByteSpan elements, double range, Decode decode) {
  size_t count = elements.size() / sizeof(Raw);
  for (size_t i = 0; i < count; ++i) {
    Raw raw;
    std::memcpy(&raw, elements.data() + i * sizeof(Raw), sizeof(Raw));
    double value = decode(raw);
    if (std::abs(value) <= range) continue;  // false for NaN
    ElementFault fault = std::isnan(value)   ? ElementFault::kNan
                         : std::isinf(value) ? ElementFault::kInfinity
                                             : ElementFault::kOutOfRange;
    return ElementFinding{.index = i, .fault = fault};
  }
  return std::nullopt;
}

}  // namespace

std::optional<ElementFinding> FindElementFault(Dtype dtype, ByteSpan elements, double range) {
  switch (dtype) {
    case Dtype::kF32:
      return Find<uint32_t>(elements, range,
                            [](uint32_t raw) { return std::bit_cast<float>(raw); });
    case Dtype::kF16:
      return Find<uint16_t>(elements, range, FromF16);
    case Dtype::kBf16:
      return Find<uint16_t>(elements, range, FromBf16);
  }
  return std::nullopt;
}

}  // namespace sealfold
