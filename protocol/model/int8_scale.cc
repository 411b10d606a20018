#include "protocol/model/int8_scale.h"

#include <algorithm>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

static_assert(std::endian::native == std::endian::little, "scales are little-endian");

constexpr uint32_t kZeroBits = 0x7F;        // the fraction's last bits, zero in every scale
constexpr uint32_t kStep = kZeroBits + 1;   // from one scale's bits to the next one's
constexpr uint32_t kLeast = 0x00800000;     // of the least normal float32
constexpr uint32_t kGreatest = 0x7F7FFF80;  // of the greatest scale

// 127 * s: exact, as s has 17 bits.
double Reach(uint32_t bits) { return kInt8Max * Int8ScaleValue(bits); }

// The greatest scale s with 127 * s <= limit. Requires: there is one.
uint32_t Below(double limit) {
  const double quotient = std::min(limit / kInt8Max, Int8ScaleValue(kGreatest));
  uint32_t bits = std::bit_cast<uint32_t>(static_cast<float>(quotient)) & ~kZeroBits;
  // The division and the conversion each rounded: at most one scale too far.
  if (Reach(bits) > limit) bits -= kStep;
  SEALFOLD_CHECK(bits >= kLeast && Reach(bits) <= limit);
  return bits;
}

}  // namespace

uint32_t Int8ScaleBitsMax(double range) {
  SEALFOLD_CHECK(range >= 1e-30 && range <= 1e30);
  return Below(range);
}

uint32_t Int8ScaleBitsFor(double magnitude, uint32_t scale_bits_max) {
  SEALFOLD_CHECK(magnitude >= 0);
  if (magnitude == 0) return 0;
  if (magnitude <= Reach(kLeast)) return kLeast;
  uint32_t bits = Below(magnitude);
  if (Reach(bits) < magnitude) bits += kStep;
  return std::min(bits, scale_bits_max);
}

}  // namespace sealfold
