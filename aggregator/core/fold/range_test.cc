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

// Whether `bits`, among zeros, is judged by its value. `elements` is all zeros, and is again after.
void ExpectJudged(Dtype dtype, uint32_t bits, double range, MutableByteSpan elements) {
  const size_t size = DtypeSizeBytes(dtype);
  uint8_t* const place = &elements[bits % (elements.size() / size) * size];
  std::memcpy(place, &bits, size);
  const double x = ReadElement(dtype, place);
  ASSERT_EQ(AllInRange(dtype, elements, range), std::isfinite(x) && std::abs(x) <= range)
      << bits << " " << range;
  std::memset(place, 0, size);
}

TEST_P(RangeTest, PatternsAroundEachEndOfEachRangeAreJudgedByTheirValue) {
  const size_t size = DtypeSizeBytes(GetParam());
  const uint32_t sign = size == 2 ? 0x8000 : 0x80000000;
  std::vector<uint32_t> patterns;
  for (const double range : kRanges) {
    uint32_t bits = 0;
    uint8_t element[4] = {};
    WriteElement(GetParam(), range, element);
    std::memcpy(&bits, element, size);
    for (uint32_t near = bits < 4 ? 0 : bits - 4; near < bits + 4; ++near) {
      patterns.push_back(near);
      patterns.push_back(near | sign);
    }
  }
  for (const uint32_t all : {sign - 1, sign / 2 + sign - 1, 2 * sign - 1})
    patterns.push_back(all);  // NaN
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    Bytes elements(39 * size);
    for (const double range : kRanges) {
      for (const uint32_t bits : patterns)
        ExpectJudged(GetParam(), bits, range, absl::MakeSpan(elements));
    }
  }
}

TEST(RangeHalvesTest, EveryPatternIsJudgedByItsValue) {
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    Bytes elements(39 * 2);
    for (uint32_t bits = 0; bits < 0x10000; ++bits) {
      for (const Dtype dtype : {Dtype::kF16, Dtype::kBf16}) {
        ExpectJudged(dtype, bits, 3.1, absl::MakeSpan(elements));
        ExpectJudged(dtype, bits, 1e39, absl::MakeSpan(elements));
      }
    }
  }
}

}  // namespace
}  // namespace sealfold
