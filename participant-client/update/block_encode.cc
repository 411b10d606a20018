#include "participant-client/update/block_encode.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "protocol/base/error.h"
#include "protocol/model/element.h"
#include "protocol/model/int8_scale.h"

namespace sealfold {
namespace {

constexpr double kOne = 0x1p32;  // of what is rounded: 32 bits of fraction

// The element's bits without its sign: ordered as sizes are.
uint32_t MagnitudeBits(const uint8_t* element, size_t size_bytes) {
  uint32_t bits = 0;
  std::memcpy(&bits, element, size_bytes);
  return bits & (size_bytes == 4 ? 0x7FFFFFFFu : 0x7FFFu);
}

template <typename ReadAt>
void EncodeInt8(size_t count, ReadAt read_at, uint32_t scale_bits_max, ByteSpan random,
                MutableByteSpan block) {
  SEALFOLD_CHECK(random.size() == count * kInt8RandomBytes &&
                 block.size() == kInt8ScaleBytes + count);
  double magnitude = 0;
  for (size_t i = 0; i < count; ++i) magnitude = std::max(magnitude, std::abs(read_at(i)));
  const uint32_t scale_bits = Int8ScaleBitsFor(magnitude, scale_bits_max);
  std::memcpy(block.data(), &scale_bits, kInt8ScaleBytes);
  // Divided by, as multiples of the scale then give whole numbers: times its inverse some would
  // come out below.
  const double scale = scale_bits == 0 ? 1 : Int8ScaleValue(scale_bits);
  constexpr double kLimit = kInt8Max * kOne;
  for (size_t i = 0; i < count; ++i) {
    uint32_t drawn = 0;
    std::memcpy(&drawn, &random[i * kInt8RandomBytes], sizeof(drawn));
    const auto fixed = static_cast<int64_t>(std::clamp(read_at(i) * kOne / scale, -kLimit, kLimit));
    // Down to an integer after adding a number in [0, 1): up with the probability of the fraction.
    block[kInt8ScaleBytes + i] = static_cast<uint8_t>((fixed + drawn) >> 32);
  }
}

}  // namespace

void EncodeInt8Block(Dtype dtype, ByteSpan elements, uint32_t scale_bits_max, ByteSpan random,
                     MutableByteSpan block) {
  const size_t size_bytes = DtypeSizeBytes(dtype);
  const size_t count = elements.size() / size_bytes;
  const auto read = [&](size_t i) { return ReadElement(dtype, &elements[i * size_bytes]); };
  // Without a call for each element: most updates are of these.
  const auto read_f32 = [&](size_t i) {
    float value = 0;
    std::memcpy(&value, &elements[i * sizeof(value)], sizeof(value));
    return static_cast<double>(value);
  };
  if (dtype == Dtype::kF32) {
    EncodeInt8(count, read_f32, scale_bits_max, random, block);
  } else {
    EncodeInt8(count, read, scale_bits_max, random, block);
  }
}

void EncodeTopKBlock(Dtype dtype, ByteSpan elements, uint64_t carried, absl::Span<uint64_t> places,
                     MutableByteSpan block) {
  const size_t size_bytes = DtypeSizeBytes(dtype);
  const size_t count = elements.size() / size_bytes;
  SEALFOLD_CHECK(count <= 65536 && places.size() >= count && carried >= 1 && carried <= count);
  SEALFOLD_CHECK(block.size() == carried * (sizeof(uint16_t) + size_bytes));
  // Size above, then what is left to 65535 of the place: greater is larger, or earlier.
  for (size_t i = 0; i < count; ++i) {
    places[i] = uint64_t{MagnitudeBits(&elements[i * size_bytes], size_bytes)} << 16 | (0xFFFF - i);
  }
  const auto end = places.begin() + static_cast<ptrdiff_t>(carried);
  std::nth_element(places.begin(), end - 1, places.begin() + static_cast<ptrdiff_t>(count),
                   std::greater<>());
  for (auto it = places.begin(); it != end; ++it) *it = 0xFFFF - (*it & 0xFFFF);
  std::sort(places.begin(), end);
  uint8_t* const values = block.data() + carried * sizeof(uint16_t);
  for (uint64_t i = 0; i < carried; ++i) {
    const auto place = static_cast<uint16_t>(places[i]);
    std::memcpy(block.data() + i * sizeof(place), &place, sizeof(place));
    std::memcpy(values + i * size_bytes, &elements[place * size_bytes], size_bytes);
  }
}

}  // namespace sealfold
