#include "aggregator/core/testing/sample_payload.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include "protocol/model/block_layout.h"
#include "protocol/model/element.h"
#include "protocol/model/int8_scale.h"

namespace sealfold::testing {
namespace {

void FillInt8Block(uint64_t elements, uint32_t scale_bits_max, std::mt19937_64& random,
                   uint8_t* block) {
  constexpr uint32_t kLeast = 0x00800000;
  const uint64_t kind = random() % 6;
  // Of the last eight powers of two, or of all.
  const uint32_t span = kind < 4 ? scale_bits_max - kLeast : 8u << 23;
  uint32_t bits = scale_bits_max - static_cast<uint32_t>(random() % span) / 128 * 128;
  if (kind == 0) bits = 0;
  if (kind == 1) bits = kLeast;
  if (kind == 2) bits = scale_bits_max;
  std::memcpy(block, &bits, sizeof(bits));
  for (uint64_t i = 0; i < elements; ++i) {
    const int inner = static_cast<int>(random() % 255) - kInt8Max;
    const int element = random() % 8 == 0 ? (inner < 0 ? -kInt8Max : kInt8Max) : inner;
    block[kInt8ScaleBytes + i] = static_cast<uint8_t>(bits == 0 ? 0 : element);
  }
}

double RandomValue(double range, std::mt19937_64& random) {
  const uint64_t kind = random() % 8;
  const double sign = random() % 2 == 0 ? 1 : -1;
  if (kind == 0) return sign * 0.0;
  if (kind == 1) return sign * range;
  if (kind == 2) return sign * std::ldexp(range, -static_cast<int>(random() % 160));
  return sign * range * std::ldexp(static_cast<double>(random() >> 11), -53);
}

void FillTopKBlock(Dtype dtype, uint64_t elements, uint64_t carried, double range,
                   std::mt19937_64& random, uint8_t* block) {
  std::set<uint16_t> places = {static_cast<uint16_t>(random() % 2 == 0 ? 0 : elements - 1)};
  while (places.size() < carried) places.insert(static_cast<uint16_t>(random() % elements));
  for (const uint16_t place : places) {
    std::memcpy(block, &place, sizeof(place));
    block += sizeof(place);
  }
  for (uint64_t i = 0; i < carried; ++i, block += DtypeSizeBytes(dtype)) {
    WriteElement(dtype, RandomValue(range, random), block);
    // Rounded beyond the range.
    if (!(std::abs(ReadElement(dtype, block)) <= range)) WriteElement(dtype, 0, block);
  }
}

void DecodeBlock(const UpdateEncoding& encoding, Dtype dtype, uint64_t elements,
                 const uint8_t* block, double* out) {
  const uint64_t carried = encoding.carried(elements);
  for (uint64_t i = 0; i < carried; ++i) {
    if (encoding.kind == EncodingKind::kInt8Blocks) {
      float scale = 0;
      std::memcpy(&scale, block, sizeof(scale));
      out[i] = static_cast<double>(scale) * static_cast<int8_t>(block[sizeof(scale) + i]);
    } else {
      const int place = block[2 * i] | block[2 * i + 1] << 8;
      out[place] = ReadElement(dtype, block + 2 * carried + i * DtypeSizeBytes(dtype));
    }
  }
}

}  // namespace

Bytes RandomEncodedPayload(const PayloadLayout& layout, double range, std::mt19937_64& random) {
  Bytes payload(layout.size_bytes);
  const UpdateEncoding& encoding = *layout.encoding;
  ForEachBlockRun(layout, 0, layout.size_bytes, [&](const BlockRun& run) {
    const uint64_t elements = std::min(encoding.block_elements, run.elements);
    for (uint64_t at = 0; at < run.size_bytes; at += run.block_bytes) {
      uint8_t* const block = &payload[run.offset_bytes + at];
      if (encoding.kind == EncodingKind::kInt8Blocks) {
        FillInt8Block(elements, Int8ScaleBitsMax(range), random, block);
      } else {
        FillTopKBlock(layout.parts[run.part].dtype, elements, encoding.carried(elements), range,
                      random, block);
      }
    }
  });
  return payload;
}

std::vector<double> DecodePayload(const PayloadLayout& layout, const Bytes& payload) {
  std::vector<double> out(layout.sum_elements);
  if (!layout.encoding.has_value()) {
    for (const PayloadLayout::Part& part : layout.parts) {
      for (uint64_t i = 0; i < part.elements; ++i) {
        out[part.element_first + i] =
            ReadElement(part.dtype, &payload[part.offset_bytes + i * DtypeSizeBytes(part.dtype)]);
      }
    }
    return out;
  }
  ForEachBlockRun(layout, 0, layout.size_bytes, [&](const BlockRun& run) {
    const PayloadLayout::Part& part = layout.parts[run.part];
    const uint64_t elements = std::min(layout.encoding->block_elements, run.elements);
    for (uint64_t b = 0; b * elements < run.elements; ++b) {
      DecodeBlock(*layout.encoding, part.dtype, elements,
                  &payload[run.offset_bytes + b * run.block_bytes],
                  &out[part.element_first + run.element + b * elements]);
    }
  });
  return out;
}

}  // namespace sealfold::testing
