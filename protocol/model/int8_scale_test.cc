#include "protocol/model/int8_scale.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <random>

namespace sealfold {
namespace {

uint32_t BitsOf(float value) { return std::bit_cast<uint32_t>(value); }

TEST(Int8ScaleTest, WhatIsAScale) {
  for (const float good : {0.0f, 1.0f, 0.5f, 0x1p-126f, 0x1.fffep127f, 0x1.0001p0f}) {
    EXPECT_TRUE(IsInt8Scale(BitsOf(good))) << good;
  }
  for (const float bad :
       {-0.0f, -1.0f, 0x1p-127f, 0x1.00008p0f, 0x1.000002p0f,
        std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_FALSE(IsInt8Scale(BitsOf(bad))) << bad;
  }
}

TEST(Int8ScaleTest, TheGreatestScaleReachesTheRangeAndTheNextOneLeavesIt) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 100'000; ++i) {
    double range = std::ldexp(1 + std::ldexp(static_cast<double>(random() >> 12), -52),
                              static_cast<int>(random() % 196) - 98);
    // Ranges that a scale reaches exactly, and those just beside.
    if (i % 3 == 0) {
      const uint32_t bits = BitsOf(static_cast<float>(range)) & ~0x7Fu;
      range = 127 * static_cast<double>(std::bit_cast<float>(bits));
    }
    if (i % 6 == 0) range = std::nextafter(range, i % 12 == 0 ? 0 : HUGE_VAL);
    if (range < 1e-30 || range > 1e30) continue;
    const uint32_t bits = Int8ScaleBitsMax(range);
    ASSERT_TRUE(IsInt8Scale(bits)) << range;
    ASSERT_LE(127 * Int8ScaleValue(bits), range);
    ASSERT_GT(127 * Int8ScaleValue(bits + 0x80), range);
  }
  EXPECT_TRUE(IsInt8Scale(Int8ScaleBitsMax(1e-30)));
  EXPECT_TRUE(IsInt8Scale(Int8ScaleBitsMax(1e30)));
}

TEST(Int8ScaleTest, ABlocksScaleIsTheLeastThatReachesItsGreatestElement) {
  const uint32_t bits_max = Int8ScaleBitsMax(1.0);
  EXPECT_EQ(Int8ScaleBitsFor(0, bits_max), 0u);
  EXPECT_EQ(Int8ScaleBitsFor(std::numeric_limits<double>::denorm_min(), bits_max),
            BitsOf(0x1p-126f));
  EXPECT_EQ(Int8ScaleBitsFor(1.0, bits_max), bits_max);
  EXPECT_EQ(Int8ScaleBitsFor(127 * 0x1p-20, bits_max), BitsOf(0x1p-20f));
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 100'000; ++i) {
    const float magnitude =
        std::ldexp(static_cast<float>(1 + (random() >> 40)), -24 - static_cast<int>(random() % 90));
    const uint32_t bits = Int8ScaleBitsFor(magnitude, Int8ScaleBitsMax(2.0));
    ASSERT_TRUE(IsInt8Scale(bits));
    ASSERT_GE(127 * Int8ScaleValue(bits), magnitude);
    ASSERT_TRUE(bits == BitsOf(0x1p-126f) || 127 * Int8ScaleValue(bits - 0x80) < magnitude);
  }
}

TEST(Int8ScaleTest, EveryElementOfABlockIsAFloat) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int i = 0; i < 10'000; ++i) {
    const uint32_t bits = static_cast<uint32_t>(random() % 0x7B000000) & ~0x7Fu;
    if (!IsInt8Scale(bits)) continue;
    for (int q = -127; q <= 127; ++q) {
      const double value = q * Int8ScaleValue(bits);
      ASSERT_EQ(static_cast<double>(static_cast<float>(value)), value);
    }
  }
}

}  // namespace
}  // namespace sealfold
