// FinishMean: four operations in double, one rounding to the dtype, the same bits with every
// target.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "aggregator/core/fold/finish_mean.h"
#include "aggregator/core/fold/fold.h"
#include "aggregator/core/fold/testing_fold.h"

namespace sealfold {
namespace {

using testing_fold::RandomElements;
using testing_fold::Seed;
using testing_fold::Targets;
using testing_fold::UseTarget;

// Through memory, so that no compiler fuses or keeps more digits.
double Kept(double x) {
  volatile double kept = x;
  return kept;
}

Bytes Expected(Dtype dtype, const std::vector<int64_t>& sum, double step, uint64_t weight_sum,
               double learning_rate, const Bytes& base) {
  Bytes out(base.size());
  for (size_t i = 0; i < sum.size(); ++i) {
    const size_t at = i * DtypeSizeBytes(dtype);
    const double total = Kept(static_cast<double>(sum[i]));
    const double scaled = Kept(total * step);
    const double mean = Kept(scaled / static_cast<double>(weight_sum));
    const double change = Kept(learning_rate * mean);
    WriteElement(dtype, Kept(ReadElement(dtype, &base[at]) + change), &out[at]);
  }
  return out;
}

class FinishMeanTest : public ::testing::TestWithParam<Dtype> {
 protected:
  const uint64_t seed_ = Seed();
  std::mt19937_64 random_{seed_};
  testing::ScopedTrace trace_{__FILE__, __LINE__, "SEALFOLD_TEST_SEED=" + std::to_string(seed_)};
};
INSTANTIATE_TEST_SUITE_P(Dtypes, FinishMeanTest,
                         ::testing::Values(Dtype::kF32, Dtype::kF16, Dtype::kBf16),
                         [](const auto& test) { return DtypeName(test.param); });

TEST_P(FinishMeanTest, EveryOperationIsRoundedOnceWithEveryTarget) {
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    for (int round = 0; round < 60; ++round) {
      const size_t count = 1 + random_() % 500;
      const double range = std::ldexp(1.0, static_cast<int>(random_() % 30) - 15);
      const Grid grid = *Grid::Make(range, Weight(1 + random_() % 5000));
      std::vector<int64_t> sum(count);
      for (int64_t& s : sum) s = static_cast<int64_t>(random_()) >> (random_() % 64);
      const Bytes base = RandomElements(GetParam(), count, range, random_);
      const uint64_t weight_sum = 1 + random_() % (uint64_t{1} << (random_() % 45));
      const double learning_rate =
          round % 2 == 0 ? 1.0 : std::ldexp(static_cast<double>(random_()), -64);
      const Bytes expected =
          Expected(GetParam(), sum, grid.step(), weight_sum, learning_rate, base);

      const size_t offset = random_() % 8;
      Bytes out(offset + base.size());
      FinishMean(GetParam(), sum, grid.step(), weight_sum, learning_rate, base,
                 absl::MakeSpan(out).subspan(offset));
      ASSERT_EQ(Bytes(out.begin() + static_cast<std::ptrdiff_t>(offset), out.end()), expected);

      Bytes in_place = base;
      FinishMean(GetParam(), sum, grid.step(), weight_sum, learning_rate, in_place,
                 absl::MakeSpan(in_place));
      ASSERT_EQ(in_place, expected);
    }
  }
}

// (1 + 2^-30) * (1 - 2^-30) is 1 in double, so nothing is left of a base of -1. A fused operation
// would leave -2^-60.
TEST_P(FinishMeanTest, TheProductIsRoundedBeforeItIsAdded) {
  const size_t size = DtypeSizeBytes(GetParam());
  const std::vector<int64_t> sum(67, (int64_t{1} << 30) - 1);
  Bytes base(sum.size() * size);
  for (size_t i = 0; i < sum.size(); ++i) WriteElement(GetParam(), -1.0, &base[i * size]);
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    Bytes out(base.size(), 0xFF);
    FinishMean(GetParam(), sum, 0x1p-30, 1, 1 + 0x1p-30, base, absl::MakeSpan(out));
    EXPECT_EQ(out, Bytes(base.size()));
  }
}

// Sums chosen so that what is rounded to the dtype is each midpoint of two of its neighbours, and
// the least double off it on either side: rounding twice gives other bits here.
TEST_P(FinishMeanTest, MidpointsAreNotRoundedTwice) {
  const size_t size = DtypeSizeBytes(GetParam());
  std::vector<int64_t> sum;
  Bytes base;
  for (int i = 0; i < 20000; ++i) {
    // A base of size about 1, and as change half of its last place plus or minus one unit far
    // below.
    const int fraction_bits = size == 4 ? 23 : GetParam() == Dtype::kF16 ? 10 : 7;
    uint8_t element[4];
    const auto fraction = static_cast<double>(random_() % (uint64_t{1} << fraction_bits));
    WriteElement(GetParam(), 1.0 + std::ldexp(fraction, -fraction_bits), element);
    Append(base, ByteSpan(element, size));
    const int64_t half = int64_t{1} << (52 - fraction_bits - 1);
    sum.push_back((half + static_cast<int64_t>(random_() % 3) - 1) * (random_() % 2 == 0 ? 1 : -1));
  }
  const double step = std::ldexp(1.0, -52);
  const Bytes expected = Expected(GetParam(), sum, step, 1, 1.0, base);
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    Bytes out(base.size());
    FinishMean(GetParam(), sum, step, 1, 1.0, base, absl::MakeSpan(out));
    ASSERT_EQ(out, expected);
  }
}

// Every finite 16-bit pattern as the change of a zero base: exact, denormals and the sign of zero
// included; and what is just above half of the least denormal becomes that.
TEST_P(FinishMeanTest, SmallAndGreatResultsAreExact) {
  const size_t size = DtypeSizeBytes(GetParam());
  const double least = GetParam() == Dtype::kF16   ? std::ldexp(1.0, -24)
                       : GetParam() == Dtype::kF32 ? std::ldexp(1.0, -149)
                                                   : std::ldexp(1.0, -133);
  std::vector<int64_t> sum;
  for (int64_t n = -3000; n <= 3000; ++n) sum.push_back(n);
  const Bytes base(sum.size() * size);
  Bytes negative_base = base;
  for (size_t i = size - 1; i < base.size(); i += size) negative_base[i] = 0x80;
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    for (const double step :
         {least, least / 2, least / 2 * (1 + 0x1p-52), least / 2 * (1 - 0x1p-53), least / 64}) {
      for (const Bytes& from : {base, negative_base}) {
        Bytes out(base.size());
        FinishMean(GetParam(), sum, step, 1, 1.0, from, absl::MakeSpan(out));
        ASSERT_EQ(out, Expected(GetParam(), sum, step, 1, 1.0, from)) << step;
      }
    }
    // Overflow: to infinity of either sign, from just above what rounds to the greatest finite
    // element.
    const double greatest = GetParam() == Dtype::kF16   ? 65504.0
                            : GetParam() == Dtype::kF32 ? 0x1.fffffep127
                                                        : 0x1.fep127;
    const double half_place = GetParam() == Dtype::kF16   ? 16.0
                              : GetParam() == Dtype::kF32 ? 0x1p103
                                                          : 0x1p119;
    for (const double sign : {1.0, -1.0}) {
      const auto finish = [&](double mean) {
        const std::vector<int64_t> ones(33, 1);
        Bytes out(33 * size);
        FinishMean(GetParam(), ones, mean * sign, 1, 1.0, Bytes(33 * size), absl::MakeSpan(out));
        for (size_t i = 1; i < 33; ++i) {
          EXPECT_TRUE(std::equal(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size),
                                 out.begin() + static_cast<std::ptrdiff_t>(i * size)));
        }
        return ReadElement(GetParam(), out.data()) * sign;
      };
      EXPECT_EQ(finish(greatest), greatest);
      EXPECT_EQ(finish(std::nextafter(greatest + half_place, 0.0)), greatest);
      EXPECT_EQ(finish(greatest + half_place), std::numeric_limits<double>::infinity());
      EXPECT_EQ(finish(1e300), std::numeric_limits<double>::infinity());
      EXPECT_EQ(finish(std::numeric_limits<double>::infinity()),
                std::numeric_limits<double>::infinity());
      EXPECT_TRUE(std::isnan(finish(std::numeric_limits<double>::quiet_NaN())));
    }
  }
}

}  // namespace
}  // namespace sealfold
