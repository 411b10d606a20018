// How far one element may be from what a participant's program computed.
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <limits>

#include "participant-client/update/block_encode.h"
#include "protocol/model/element.h"
#include "protocol/model/int8_scale.h"
#include "tests/encodings/bounds.h"

namespace sealfold {
namespace {

using testing_encodings::RoundingBound;
using testing_encodings::Seed;

class ElementBoundsTest : public ::testing::Test {
 protected:
  // A float32 of any size from the least subnormal to `end`.
  float AnyFloat(float end) {
    const auto bits = static_cast<uint32_t>(random_()) % (std::bit_cast<uint32_t>(end) + 1);
    const auto x = std::bit_cast<float>(bits);
    return random_() % 2 == 0 ? x : -x;
  }

  const uint64_t seed_ = Seed();
  std::mt19937_64 random_{seed_};
  ::testing::ScopedTrace trace_{__FILE__, __LINE__, "SEALFOLD_TEST_SEED=" + std::to_string(seed_)};
};

double Rounded(Dtype dtype, double x) {
  uint8_t element[4] = {};
  WriteElement(dtype, x, element);
  return ReadElement(dtype, element);
}

// Both x' and x are multiples of one power of two, and x' - x has fewer than 53 bits of it.
void ExpectRoundedWithin(Dtype dtype, double x) {
  ASSERT_LE(std::abs(Rounded(dtype, x) - x), RoundingBound(dtype, x)) << std::hexfloat << x;
}

TEST_F(ElementBoundsTest, OfF16AndBf16HoldAtEveryTieAndBesideIt) {
  for (const Dtype dtype : {Dtype::kF16, Dtype::kBf16}) {
    const uint16_t last = dtype == Dtype::kF16 ? 0x7BFF : 0x7F7F;  // the largest finite
    double greatest_part = 0;
    for (uint16_t bits = 0; bits < last; ++bits) {
      const uint16_t next = bits + 1;
      const double low = ReadElement(dtype, reinterpret_cast<const uint8_t*>(&bits));
      const double high = ReadElement(dtype, reinterpret_cast<const uint8_t*>(&next));
      const auto tie = static_cast<float>(low / 2 + high / 2);
      for (const float x : {static_cast<float>(low), tie, std::nextafter(tie, 0.0F),
                            std::nextafter(tie, std::numeric_limits<float>::infinity())}) {
        ExpectRoundedWithin(dtype, x);
        ExpectRoundedWithin(dtype, -x);
        if (x == 0) continue;
        greatest_part =
            std::max(greatest_part, std::abs(Rounded(dtype, x) - x) / RoundingBound(dtype, x));
      }
    }
    EXPECT_EQ(greatest_part, 1.0);  // the least subnormal's half becomes 0
  }
}

TEST_F(ElementBoundsTest, OfF16AndBf16HoldUpToWhatBecomesInfinite) {
  for (int i = 0; i < 300'000; ++i) {
    ExpectRoundedWithin(Dtype::kF16, AnyFloat(std::nextafter(65520.0F, 0.0F)));
    ExpectRoundedWithin(Dtype::kBf16, AnyFloat(std::nextafter(0x1.ffp127F, 0.0F)));
  }
  ExpectRoundedWithin(Dtype::kF16, std::nextafter(65520.0F, 0.0F));
  ExpectRoundedWithin(Dtype::kBf16, std::nextafter(0x1.ffp127F, 0.0F));
  EXPECT_EQ(Rounded(Dtype::kF16, 65520), std::numeric_limits<double>::infinity());
  EXPECT_EQ(Rounded(Dtype::kBf16, 0x1.ffp127), std::numeric_limits<double>::infinity());
}

// |q * s - x| < s is (q - 1) s < x < (q + 1) s, with products of at most 25 bits.
void ExpectInt8Within(absl::Span<const float> elements, double range, uint8_t every_byte_drawn,
                      std::mt19937_64* random) {
  const ByteSpan bytes(reinterpret_cast<const uint8_t*>(elements.data()), elements.size() * 4);
  Bytes drawn(bytes.size(), every_byte_drawn);
  if (random != nullptr) {
    for (uint8_t& byte : drawn) byte = static_cast<uint8_t>((*random)());
  }
  Bytes block(kInt8ScaleBytes + elements.size());
  EncodeInt8Block(Dtype::kF32, bytes, Int8ScaleBitsMax(range), drawn, absl::MakeSpan(block));
  const double s = Int8ScaleValue(LoadInt8ScaleBits(block));
  double greatest = 0;
  for (size_t i = 0; i < elements.size(); ++i) {
    const double x = elements[i];
    const double q = Int8Element(block, i);
    greatest = std::max(greatest, std::abs(x));
    ASSERT_TRUE(((q - 1) * s < x && x < (q + 1) * s) || (x == 0 && q == 0))
        << std::hexfloat << x << " became " << q << " * " << s;
    if (std::abs(x) > 127 * s) {
      ASSERT_GT(std::abs(x), range * (1 - 0x1p-16));
      ASSERT_LT(std::abs(x) - 127 * s, range * 0x1p-16);
    }
  }
  // s <= greatest / 127 * (1 + 2^-16), both sides times 127 and of at most 40 bits.
  ASSERT_LE(127 * s, std::max(greatest * (1 + 0x1p-16), greatest > 0 ? 127 * 0x1p-126 : 0));
}

TEST_F(ElementBoundsTest, OfInt8IsTheBlocksScaleWhateverIsDrawn) {
  constexpr double kRanges[] = {1e-30, 0.7, 2, 1e30};
  for (int repeat = 0; repeat < 20'000; ++repeat) {
    const double range = kRanges[random_() % 4];
    auto end = static_cast<float>(range);
    if (end > range) end = std::nextafter(end, 0.0F);
    if (repeat % 3 == 0) end = std::abs(AnyFloat(end));  // subnormal at times
    std::vector<float> elements(1 + random_() % 64);
    for (float& x : elements) {
      // Of any size, or spread evenly up to the greatest.
      x = random_() % 4 == 0 ? AnyFloat(end)
                             : end * (static_cast<float>(random_() % 4097) / 2048 - 1);
    }
    elements[0] = end;
    ExpectInt8Within(elements, range, 0x00, nullptr);
    ExpectInt8Within(elements, range, 0xFF, nullptr);
    ExpectInt8Within(elements, range, 0, &random_);
  }
}

TEST_F(ElementBoundsTest, OfInt8HoldsForMultiplesOfEveryScale) {
  for (uint32_t significand = 1 << 16; significand < 1 << 17; significand += 1 + random_() % 8) {
    const float s = std::ldexp(static_cast<float>(significand), -30);
    std::vector<float> elements;
    for (int q = -127; q <= 127; ++q) elements.push_back(static_cast<float>(q) * s);
    ExpectInt8Within(elements, 2.0, 0x00, nullptr);
    ExpectInt8Within(elements, 2.0, 0xFF, nullptr);
  }
}

// In whole numbers: elements are integers of at most 24 bits.
TEST_F(ElementBoundsTest, OfTopKAreTheSmallestCarriedAndTheNormsPart) {
  for (int repeat = 0; repeat < 2000; ++repeat) {
    const size_t n = repeat == 0 ? 65536 : 1 + random_() % 300;
    const uint64_t k = 1 + random_() % n;
    const uint64_t sizes = random_() % 3 == 0 ? 1 : uint64_t{1} << random_() % 25;  // 1: all equal
    std::vector<float> elements(n);
    for (float& x : elements) {
      x = static_cast<float>(1 + random_() % sizes) * (random_() % 2 == 0 ? 1.0F : -1.0F);
    }
    std::vector<uint64_t> places(n);
    Bytes block(k * 6);
    EncodeTopKBlock(Dtype::kF32, {reinterpret_cast<const uint8_t*>(elements.data()), n * 4}, k,
                    absl::MakeSpan(places), absl::MakeSpan(block));
    using Whole = unsigned __int128;
    const auto square = [](float x) { return static_cast<Whole>(static_cast<double>(x) * x); };
    std::vector<float> left_out = elements;
    Whole all = 0;
    float smallest = std::numeric_limits<float>::infinity();
    for (const float x : elements) all += square(x);
    for (uint64_t i = 0; i < k; ++i) {
      uint16_t place = 0;
      float value = 0;
      std::memcpy(&place, &block[i * 2], 2);
      std::memcpy(&value, &block[k * 2 + i * 4], 4);
      ASSERT_EQ(value, elements[place]);
      smallest = std::min(smallest, std::abs(value));
      left_out[place] = 0;
    }
    Whole rest = 0;
    for (const float x : left_out) {
      ASSERT_LE(std::abs(x), smallest);
      rest += square(x);
    }
    ASSERT_TRUE(n * rest <= (n - k) * all);
    if (sizes == 1) {
      ASSERT_TRUE(n * rest == (n - k) * all);
    }
  }
}

}  // namespace
}  // namespace sealfold
