#include "protocol/model/element.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace sealfold {
namespace {

uint32_t Written(Dtype dtype, double value) {
  uint8_t element[4] = {};
  WriteElement(dtype, value, element);
  uint32_t bits = 0;
  std::memcpy(&bits, element, sizeof(bits));
  return bits;
}

double Read(Dtype dtype, uint32_t bits) {
  uint8_t element[4];
  std::memcpy(element, &bits, sizeof(bits));
  return ReadElement(dtype, element);
}

// The value of 16 bits, from the format's definition.
double Defined(Dtype dtype, uint16_t bits) {
  const int fraction_bits = dtype == Dtype::kF16 ? 10 : 7;
  const int bias = dtype == Dtype::kF16 ? 15 : 127;
  const double fraction = (bits & ((1 << fraction_bits) - 1)) / std::pow(2.0, fraction_bits);
  const int exponent = (bits & 0x7FFF) >> fraction_bits;
  const double sign = bits >> 15 != 0 ? -1 : 1;
  if (exponent == 2 * bias + 1) return fraction == 0 ? sign * INFINITY : NAN;
  return exponent == 0 ? sign * fraction * std::pow(2.0, 1 - bias)
                       : sign * (1 + fraction) * std::pow(2.0, exponent - bias);
}

class HalfTest : public ::testing::TestWithParam<Dtype> {};

TEST_P(HalfTest, EveryPatternReadsAsDefinedAndIsWrittenBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const double value = Read(GetParam(), bits);
    const double defined = Defined(GetParam(), static_cast<uint16_t>(bits));
    if (std::isnan(defined)) {
      ASSERT_TRUE(std::isnan(value)) << bits;
      ASSERT_TRUE(std::isnan(Read(GetParam(), Written(GetParam(), value)))) << bits;
      continue;
    }
    ASSERT_EQ(std::bit_cast<uint64_t>(value), std::bit_cast<uint64_t>(defined)) << bits;
    ASSERT_EQ(Written(GetParam(), value), bits);
  }
}

// Around every midpoint of two neighbours: the tie goes to the even one, the least step off it to
// the nearer. Rounding to float first would lose that step.
TEST_P(HalfTest, MidpointsRoundToEvenAndTheirNeighboursToTheNearest) {
  const uint32_t infinity = GetParam() == Dtype::kF16 ? 0x7C00 : 0x7F80;
  for (uint32_t low = 0; low < infinity; ++low) {
    const double a = Defined(GetParam(), static_cast<uint16_t>(low));
    // Beyond the greatest finite value the next would be where infinity is.
    const double b = low + 1 == infinity
                         ? 2 * a - Defined(GetParam(), static_cast<uint16_t>(low - 1))
                         : Defined(GetParam(), static_cast<uint16_t>(low + 1));
    const double middle = a + (b - a) / 2;
    const uint32_t even = low % 2 == 0 ? low : low + 1;
    ASSERT_EQ(Written(GetParam(), middle), even);
    ASSERT_EQ(Written(GetParam(), std::nextafter(middle, 0)), low);
    ASSERT_EQ(Written(GetParam(), std::nextafter(middle, INFINITY)), low + 1);
    ASSERT_EQ(Written(GetParam(), -middle), even | 0x8000);
    ASSERT_EQ(Written(GetParam(), -std::nextafter(middle, INFINITY)), (low + 1) | 0x8000);
  }
}

TEST_P(HalfTest, ExtremesBecomeZeroAndInfinity) {
  const uint32_t infinity = GetParam() == Dtype::kF16 ? 0x7C00 : 0x7F80;
  using Limits = std::numeric_limits<double>;
  for (const double big :
       {Limits::max(), static_cast<double>(Limits::infinity()), std::ldexp(1.0, 200)}) {
    EXPECT_EQ(Written(GetParam(), big), infinity);
    EXPECT_EQ(Written(GetParam(), -big), infinity | 0x8000);
  }
  for (const double small : {0.0, Limits::denorm_min(), Limits::min(), std::ldexp(1.0, -200)}) {
    EXPECT_EQ(Written(GetParam(), small), 0u);
    EXPECT_EQ(Written(GetParam(), -small), 0x8000u);
  }
}

INSTANTIATE_TEST_SUITE_P(ElementTest, HalfTest, ::testing::Values(Dtype::kF16, Dtype::kBf16),
                         [](const auto& test) { return DtypeName(test.param); });

TEST(ElementTest, F32IsAsTheProcessorRounds) {
  const uint64_t seed = std::random_device()();
  SCOPED_TRACE(testing::Message() << "seed " << seed);
  std::mt19937_64 random(seed);
  const auto check = [](double value) {
    if (std::isnan(value)) return;
    const uint32_t expected = std::fabs(value) >= 0x1.ffffffp127
                                  ? (value > 0 ? 0x7F800000u : 0xFF800000u)
                                  : std::bit_cast<uint32_t>(static_cast<float>(value));
    ASSERT_EQ(Written(Dtype::kF32, value), expected) << std::bit_cast<uint64_t>(value);
  };
  for (int i = 0; i < 200000; ++i) {
    check(std::bit_cast<double>(random()));
    const auto bits = static_cast<uint32_t>(random());
    const double a = std::bit_cast<float>(bits);
    const double b = std::bit_cast<float>(bits + 1);
    for (const double value :
         {a, (a + b) / 2, std::nextafter((a + b) / 2, 0.0),
          std::nextafter((a + b) / 2, std::numeric_limits<double>::infinity())}) {
      check(value);
    }
    if (!std::isnan(a)) {
      ASSERT_EQ(std::bit_cast<uint64_t>(Read(Dtype::kF32, bits)), std::bit_cast<uint64_t>(a));
    }
  }
  EXPECT_TRUE(std::isnan(Read(Dtype::kF32, Written(Dtype::kF32, NAN))));
}

}  // namespace
}  // namespace sealfold
