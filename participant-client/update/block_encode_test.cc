#include "participant-client/update/block_encode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>

#include "protocol/base/secret.h"
#include "protocol/crypto/random_stream.h"
#include "protocol/model/element.h"
#include "protocol/model/int8_scale.h"

namespace sealfold {
namespace {

constexpr Dtype kDtypes[] = {Dtype::kF32, Dtype::kF16, Dtype::kBf16};

class BlockEncodeTest : public ::testing::Test {
 protected:
  // Elements within [-range, range] of any size, an end of the range and zeros among them.
  Bytes RandomElements(Dtype dtype, size_t count, double range) {
    const size_t size = DtypeSizeBytes(dtype);
    Bytes out(count * size);
    const double spread = std::ldexp(range, -static_cast<int>(random_() % 40));
    for (size_t i = 0; i < count; ++i) {
      double x = spread * (2 * std::ldexp(static_cast<double>(random_() >> 11), -53) - 1);
      if (random_() % 16 == 0) x = 0;
      if (random_() % 64 == 0) x = random_() % 2 == 0 ? range : -range;
      WriteElement(dtype, x, &out[i * size]);
      if (std::abs(ReadElement(dtype, &out[i * size])) > range) out[i * size] = 0;
    }
    return out;
  }
  Bytes RandomBytes(size_t size) {
    Bytes out(size);
    for (uint8_t& byte : out) byte = static_cast<uint8_t>(random_());
    return out;
  }

  const uint64_t seed_ = std::random_device()();
  std::mt19937_64 random_{seed_};
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, "seed " + std::to_string(seed_)};
};

TEST_F(BlockEncodeTest, AnInt8ElementIsOffByLessThanItsScale) {
  for (int repeat = 0; repeat < 3000; ++repeat) {
    const Dtype dtype = kDtypes[repeat % 3];
    const size_t size = DtypeSizeBytes(dtype);
    const size_t count = 1 + random_() % 200;
    const double range = std::ldexp(1 + static_cast<double>(random_() % 100) / 100, -3);
    const Bytes elements = RandomElements(dtype, count, range);
    const uint32_t bits_max = Int8ScaleBitsMax(range);
    Bytes block(kInt8ScaleBytes + count);
    EncodeInt8Block(dtype, elements, bits_max, RandomBytes(count * kInt8RandomBytes),
                    absl::MakeSpan(block));
    const uint32_t bits = LoadInt8ScaleBits(block);
    ASSERT_TRUE(IsInt8Scale(bits));
    ASSERT_LE(bits, bits_max);
    const double scale = Int8ScaleValue(bits);
    for (size_t i = 0; i < count; ++i) {
      const int q = Int8Element(block, i);
      const double x = ReadElement(dtype, &elements[i * size]);
      ASSERT_GE(q, -kInt8Max);
      ASSERT_LE(std::abs(q * scale), range);
      if (bits == 0) {
        ASSERT_EQ(q, 0);
        ASSERT_EQ(x, 0);
      } else {
        ASSERT_LT(std::abs(q * scale - x), scale);
      }
    }
  }
}

TEST_F(BlockEncodeTest, WhatTheScaleDividesIsKeptExactly) {
  Bytes elements(255 * 4);
  for (int q = -127; q <= 127; ++q) {
    WriteElement(Dtype::kF32, q * 0x1.8p-12, &elements[static_cast<size_t>(q + 127) * 4]);
  }
  Bytes block(kInt8ScaleBytes + 255);
  EncodeInt8Block(Dtype::kF32, elements, Int8ScaleBitsMax(1.0), RandomBytes(255 * kInt8RandomBytes),
                  absl::MakeSpan(block));
  EXPECT_EQ(Int8ScaleValue(LoadInt8ScaleBits(block)), 0x1.8p-12);
  for (int q = -127; q <= 127; ++q) {
    EXPECT_EQ(Int8Element(block, static_cast<size_t>(q + 127)), q);
  }
}

// Over many draws the mean of what an element becomes is the element. Each draw is off by less than
// the scale s with a variance of at most s^2 / 4, so that the mean of n draws lies beyond
// 6 s / (2 sqrt(n)) of its expectation once in 5 * 10^8 tries.
TEST_F(BlockEncodeTest, StochasticRoundingIsUnbiased) {
  constexpr size_t kCount = 64;
  constexpr int kDraws = 20'000;
  const Bytes elements = RandomElements(Dtype::kF32, kCount, 0.5);
  Secret seed(kRandomStreamSeedSize);
  const Bytes seed_bytes = RandomBytes(kRandomStreamSeedSize);
  std::copy(seed_bytes.begin(), seed_bytes.end(), seed.mutable_span().begin());
  std::vector<int64_t> sums(kCount);
  Bytes random(kCount * kInt8RandomBytes);
  Bytes block(kInt8ScaleBytes + kCount);
  for (int draw = 0; draw < kDraws; ++draw) {
    FillRandomStream(seed, static_cast<uint64_t>(draw), absl::MakeSpan(random));
    EncodeInt8Block(Dtype::kF32, elements, Int8ScaleBitsMax(0.5), random, absl::MakeSpan(block));
    for (size_t i = 0; i < kCount; ++i) {
      sums[i] += Int8Element(block, i);
    }
  }
  const double scale = Int8ScaleValue(LoadInt8ScaleBits(block));
  for (size_t i = 0; i < kCount; ++i) {
    const double x = ReadElement(Dtype::kF32, &elements[i * 4]);
    // The range's ends may lie beyond 127 scales, by at most 2^-16 of them.
    const double clamped = std::clamp(x, -127 * scale, 127 * scale);
    const double mean = static_cast<double>(sums[i]) / kDraws * scale;
    EXPECT_LT(std::abs(mean - clamped), 6 * scale / (2 * std::sqrt(kDraws))) << i;
  }
}

TEST_F(BlockEncodeTest, TopKKeepsTheGreatestTheEarlierOfEquals) {
  for (int repeat = 0; repeat < 1000; ++repeat) {
    const Dtype dtype = kDtypes[repeat % 3];
    const size_t size = DtypeSizeBytes(dtype);
    const size_t count = 1 + random_() % 300;
    const uint64_t carried = 1 + random_() % count;
    Bytes elements = RandomElements(dtype, count, 1.0);
    if (repeat % 4 == 0) {  // many equals
      for (size_t i = 0; i < count; ++i) {
        WriteElement(dtype, static_cast<double>(random_() % 3) - 1, &elements[i * size]);
      }
    }
    // By sorting all of them.
    std::vector<size_t> order(count);
    for (size_t i = 0; i < count; ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
      return std::abs(ReadElement(dtype, &elements[a * size])) >
             std::abs(ReadElement(dtype, &elements[b * size]));
    });
    order.resize(carried);
    std::sort(order.begin(), order.end());
    Bytes expected;
    for (const size_t place : order) {
      expected.push_back(static_cast<uint8_t>(place));
      expected.push_back(static_cast<uint8_t>(place >> 8));
    }
    for (const size_t place : order) {
      Append(expected, ByteSpan(elements).subspan(place * size, size));
    }
    std::vector<uint64_t> places(count);
    Bytes block(carried * (2 + size));
    EncodeTopKBlock(dtype, elements, carried, absl::MakeSpan(places), absl::MakeSpan(block));
    ASSERT_EQ(block, expected);
  }
}

TEST_F(BlockEncodeTest, TopKOfAFullBlockKeepsTheLastPlace) {
  Bytes elements(65536 * 4);
  WriteElement(Dtype::kF32, -2.0, &elements[65535 * 4]);
  WriteElement(Dtype::kF32, 1.0, &elements[0]);
  std::vector<uint64_t> places(65536);
  Bytes block(3 * 6);
  EncodeTopKBlock(Dtype::kF32, elements, 3, absl::MakeSpan(places), absl::MakeSpan(block));
  EXPECT_EQ(HexEncode(ByteSpan(block).first(6)), "00000100ffff");
}

}  // namespace
}  // namespace sealfold
