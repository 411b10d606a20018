// AllInRange: no NaN, no infinity, nothing beyond the range gets by, wherever it stands.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "aggregator/core/fold/fold.h"
#include "aggregator/core/fold/testing_fold.h"

namespace sealfold {
namespace {

using testing_fold::RandomElements;
using testing_fold::Seed;
using testing_fold::Targets;
using testing_fold::UseTarget;

constexpr double kRanges[] = {std::numeric_limits<double>::denorm_min(),
                              1e-45,
                              1e-41,
                              5.9604644775390625e-08,
                              0.1,
                              1.0,
                              3.0000001,
                              65504.0,
                              65535.0,
                              70000.0,
                              std::numeric_limits<float>::max(),
                              1e39,
                              std::numeric_limits<double>::max()};

class RangeTest : public ::testing::TestWithParam<Dtype> {};
INSTANTIATE_TEST_SUITE_P(Dtypes, RangeTest,
                         ::testing::Values(Dtype::kF32, Dtype::kF16, Dtype::kBf16),
                         [](const auto& test) { return DtypeName(test.param); });

bool InRange(Dtype dtype, const uint8_t* element, double range) {
  const double x = ReadElement(dtype, element);
  return std::isfinite(x) && std::abs(x) <= range;
}

TEST_P(RangeTest, OneBadElementIsSeenAnywhere) {
  const uint64_t seed = Seed();
  SCOPED_TRACE(testing::Message() << "SEALFOLD_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  const size_t size = DtypeSizeBytes(GetParam());
  using Limits = std::numeric_limits<double>;
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    for (size_t count = 0; count < 300; count += 1 + random() % 7) {
      const Bytes good = RandomElements(GetParam(), count, 3.0, random);
      ASSERT_TRUE(AllInRange(GetParam(), good, 3.0));
      for (int i = 0; count != 0 && i < 10; ++i) {
        Bytes bad = good;
        const double values[] = {
            Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(), 3.03, -3.03, -1e4};
        WriteElement(GetParam(), values[random() % std::size(values)],
                     &bad[random() % count * size]);
        ASSERT_FALSE(AllInRange(GetParam(), bad, 3.0));
      }
    }
  }
}

// Every 16-bit pattern, and for F32 those around each end of each range, each among good ones.
TEST_P(RangeTest, EveryPatternIsJudgedByItsValue) {
  const size_t size = DtypeSizeBytes(GetParam());
  std::vector<uint32_t> patterns;
  if (size == 2) {
    for (uint32_t bits = 0; bits < 0x10000; ++bits) patterns.push_back(bits);
  } else {
    for (const double range : kRanges) {
      uint8_t element[4];
      WriteElement(GetParam(), range, element);
      uint32_t bits = 0;
      std::memcpy(&bits, element, 4);
      for (uint32_t off = 0; off < 8; ++off) {
        patterns.push_back(bits - 4 + off);
        patterns.push_back((bits - 4 + off) ^ 0x80000000);
      }
    }
    for (const uint32_t nan : {0x7F800001u, 0x7FC00000u, 0x7FFFFFFFu, 0xFF800001u, 0xFFFFFFFFu})
      patterns.push_back(nan);
  }
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    for (const double range : kRanges) {
      Bytes elements(40 * size);
      for (const uint32_t bits : patterns) {
        uint8_t* const place = &elements[(bits % 39) * size];
        std::memcpy(place, &bits, size);
        ASSERT_EQ(AllInRange(GetParam(), elements, range), InRange(GetParam(), place, range))
            << bits << " " << range;
        std::memset(place, 0, size);
      }
    }
  }
}

}  // namespace
}  // namespace sealfold
