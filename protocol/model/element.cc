#include "protocol/model/element.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace sealfold {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are little-endian");

// A binary interchange format: sign, exponent, fraction.
struct Format {
  int exponent_bits;
  int fraction_bits;
};

constexpr Format FormatOf(Dtype dtype) {
  switch (dtype) {
    case Dtype::kF16:
      return {.exponent_bits = 5, .fraction_bits = 10};
    case Dtype::kBf16:
      return {.exponent_bits = 8, .fraction_bits = 7};
    case Dtype::kF32:
      break;
  }
  return {.exponent_bits = 8, .fraction_bits = 23};
}

double DecodeF16(uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1F;
  const int fraction = bits & 0x3FF;
  double magnitude = 0;
  if (exponent == 0x1F) {
    magnitude = fraction == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    magnitude = std::ldexp(fraction, -24);
  } else {
    magnitude = std::ldexp(0x400 + fraction, exponent - 25);
  }
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

// `value` rounded once to `format`, in integers: no mode of the processor has a say.
uint32_t Encode(Format format, double value) {
  constexpr int kDoubleFractionBits = 52;
  constexpr int kDoubleBias = 1023;
  const auto bits = std::bit_cast<uint64_t>(value);
  const auto sign = static_cast<uint32_t>(bits >> 63)
                    << (format.exponent_bits + format.fraction_bits);
  const int exponent_max = (1 << format.exponent_bits) - 1;
  const auto infinity = static_cast<uint32_t>(exponent_max) << format.fraction_bits;
  if (std::isnan(value)) return sign | infinity | uint32_t{1} << (format.fraction_bits - 1);
  const int exponent = static_cast<int>(bits >> kDoubleFractionBits & 0x7FF) - kDoubleBias +
                       exponent_max / 2;  // as the format's field has it
  if (exponent >= exponent_max) return sign | infinity;

  // significand * 2^-shift is the value in units of the format's last place, at an exponent of at
  // least 1.
  const uint64_t significand =
      (bits & ((uint64_t{1} << kDoubleFractionBits) - 1)) | uint64_t{1} << kDoubleFractionBits;
  const int below_normal = exponent < 1 ? 1 - exponent : 0;
  const int shift = kDoubleFractionBits - format.fraction_bits + below_normal;
  // Below half of the least subnormal; doubles that are subnormal themselves are among these.
  if (shift > kDoubleFractionBits + 1) return sign;
  const uint64_t half = uint64_t{1} << (shift - 1);
  const uint64_t rest = significand & (2 * half - 1);
  uint64_t magnitude = significand >> shift;
  if (below_normal == 0) magnitude += static_cast<uint64_t>(exponent - 1) << format.fraction_bits;
  if (rest > half || (rest == half && magnitude % 2 == 1)) ++magnitude;  // may carry up to infinity
  return sign | static_cast<uint32_t>(magnitude);
}

}  // namespace

double ReadElement(Dtype dtype, const uint8_t* element) {
  if (dtype == Dtype::kF32) {
    float value = 0;
    std::memcpy(&value, element, sizeof(value));
    return value;
  }
  uint16_t bits = 0;
  std::memcpy(&bits, element, sizeof(bits));
  if (dtype == Dtype::kF16) return DecodeF16(bits);
  return std::bit_cast<float>(uint32_t{bits} << 16);
}

void WriteElement(Dtype dtype, double value, uint8_t* element) {
  const uint32_t bits = Encode(FormatOf(dtype), value);
  std::memcpy(element, &bits, DtypeSizeBytes(dtype));  // little-endian: its low bytes first
}

}  // namespace sealfold
