// The scale of a block of int8_blocks (docs/PROTOCOL.md, "int8_blocks").
//
// A scale is +0, or a positive normal float32 whose last 7 bits are zero. Its significand then has
// 17 bits, and an integer of 7 bits times it is a float32, exactly: an update of int8 blocks is a
// dense float32 update written shorter, and is folded as exactly as one.
#ifndef SEALFOLD_PROTOCOL_MODEL_INT8_SCALE_H_
#define SEALFOLD_PROTOCOL_MODEL_INT8_SCALE_H_

#include <bit>
#include <cstdint>
#include <cstring>

#include "protocol/base/bytes.h"

namespace sealfold {

inline constexpr uint64_t kInt8ScaleBytes = 4;               // a block's first bytes, little-endian
inline constexpr uint32_t kInt8ScaleZeroBits = 0x7F;         // of any scale
inline constexpr uint32_t kInt8LeastScaleBits = 0x00800000;  // of those above zero
inline constexpr int kInt8Max = 127;  // of an element's size; -128 is no element

// The bits of the greatest scale with which every element of a block is within [-range, range]: the
// greatest s with 127 * s <= range. Scales are ordered like their bits. Requires: 1e-30 <= range <=
// 1e30.
uint32_t Int8ScaleBitsMax(double range);

// Whether these are the bits of a scale, whatever its size.
inline bool IsInt8Scale(uint32_t bits) {
  constexpr uint32_t kInfinity = 0x7F800000;
  return (bits & kInt8ScaleZeroBits) == 0 &&
         (bits == 0 || (bits >= kInt8LeastScaleBits && bits < kInfinity));
}

// The bits of the least scale s with 127 * s >= `magnitude`, but at most `scale_bits_max`; 0 for 0.
// Requires: magnitude finite and >= 0.
uint32_t Int8ScaleBitsFor(double magnitude, uint32_t scale_bits_max);

// The bits of the scale that `block` starts with, and its value.
inline uint32_t LoadInt8ScaleBits(ByteSpan block) {
  uint32_t bits = 0;
  std::memcpy(&bits, block.data(), sizeof(bits));
  return bits;
}
inline double Int8ScaleValue(uint32_t bits) { return std::bit_cast<float>(bits); }
// The block's element number `index`, in scales.
inline int Int8Element(ByteSpan block, uint64_t index) {
  return std::bit_cast<int8_t>(block[kInt8ScaleBytes + index]);
}

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_MODEL_INT8_SCALE_H_
