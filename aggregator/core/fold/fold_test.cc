// The fold against integers of 128 bits, over random orders, splits and threads: bitwise equal.
#include "aggregator/core/fold/fold.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <thread>

#include "aggregator/core/fold/testing_fold.h"

namespace sealfold {
namespace {

using testing_fold::FoldAdd;
using testing_fold::FoldSubtract;
using testing_fold::RandomElements;
using testing_fold::Seed;
using testing_fold::Targets;
using testing_fold::UseTarget;

constexpr Dtype kDtypes[] = {Dtype::kF32, Dtype::kF16, Dtype::kBf16};

// x * weight / 2^(exponent - 47) to the nearest integer, ties to even, without floating point: x is
// taken apart into its bits by the definition of its format.
int64_t ExactTerm(Dtype dtype, const uint8_t* element, uint64_t weight, int exponent) {
  uint32_t bits = 0;
  std::memcpy(&bits, element, DtypeSizeBytes(dtype));
  const int exponent_bits = dtype == Dtype::kF16 ? 5 : 8;
  const int fraction_bits = dtype == Dtype::kF32 ? 23 : dtype == Dtype::kF16 ? 10 : 7;
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const bool negative = (bits >> (exponent_bits + fraction_bits)) != 0;
  const int field = static_cast<int>(bits >> fraction_bits) & ((1 << exponent_bits) - 1);
  auto significand = static_cast<__int128>(bits & ((1u << fraction_bits) - 1));
  if (field != 0) significand += __int128{1} << fraction_bits;
  const int place = std::max(field, 1) - bias - fraction_bits;  // x = significand * 2^place

  const __int128 product =
      significand * weight;  // of the element and the weight, in units of 2^place
  const int shift = (exponent - 47) - place;
  __int128 rounded = 0;
  if (shift <= 0) {
    rounded = product << -shift;
  } else if (shift < 126) {
    const __int128 unit = __int128{1} << shift;
    rounded = product / unit;
    const __int128 rest = product % unit;
    if (2 * rest > unit || (2 * rest == unit && rounded % 2 == 1)) ++rounded;
  }
  return static_cast<int64_t>(negative ? -rounded : rounded);
}

struct Update {
  Bytes elements;
  uint64_t weight = 0;
};

// What a plan and some participants could have: any range, greatest weight, weights up to it.
struct Case {
  Dtype dtype;
  Grid grid;
  std::vector<Update> updates;
  size_t count;  // elements in each

  Case(Dtype type, size_t updates_count, size_t elements, std::mt19937_64& random)
      : dtype(type), grid(RandomGrid(random)), updates(updates_count), count(elements) {
    for (Update& update : updates) {
      update.elements = RandomElements(dtype, count, grid.range(), random);
      update.weight =
          random() % 4 == 0 ? grid.weight_max().value() : 1 + random() % grid.weight_max().value();
    }
  }

  static Grid RandomGrid(std::mt19937_64& random) {
    const uint64_t weight_max = random() % 4 == 0 ? kFoldWeightMax : 1 + random() % 100000;
    const double range = random() % 4 == 0
                             ? std::numeric_limits<float>::max()
                             : std::ldexp(1.0 + static_cast<double>(random() % 1000) / 1000,
                                          static_cast<int>(random() % 40) - 20);
    return *Grid::Make(range, Weight(weight_max));
  }

  double Scale(const Update& update) const { return grid.Scale(Weight(update.weight)); }
  ByteSpan Part(const Update& update, size_t first, size_t size) const {
    return ByteSpan(update.elements)
        .subspan(first * DtypeSizeBytes(dtype), size * DtypeSizeBytes(dtype));
  }
  std::vector<FoldInput> Inputs() const {
    std::vector<FoldInput> out;
    for (const Update& update : updates) {
      out.push_back({.elements = update.elements, .scale = Scale(update)});
    }
    return out;
  }
  std::vector<int64_t> ExactSum() const {
    std::vector<int64_t> sum(count);
    for (const Update& update : updates) {
      for (size_t i = 0; i < count; ++i) {
        sum[i] += ExactTerm(dtype, &update.elements[i * DtypeSizeBytes(dtype)], update.weight,
                            grid.exponent());
      }
    }
    return sum;
  }
};

class FoldTest : public ::testing::TestWithParam<Dtype> {
 protected:
  const uint64_t seed_ = Seed();
  std::mt19937_64 random_{seed_};
  testing::ScopedTrace trace_{__FILE__, __LINE__, "SEALFOLD_TEST_SEED=" + std::to_string(seed_)};
};
INSTANTIATE_TEST_SUITE_P(Dtypes, FoldTest, ::testing::ValuesIn(kDtypes),
                         [](const auto& test) { return DtypeName(test.param); });

TEST_P(FoldTest, EqualsTheExactSumInAnyOrderSplitInAnyWay) {
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    for (int round = 0; round < 40; ++round) {
      Case c(GetParam(), 1 + random_() % 9, 1 + random_() % 300, random_);
      const std::vector<int64_t> exact = c.ExactSum();
      std::vector<int64_t> sum(c.count);
      std::shuffle(c.updates.begin(), c.updates.end(), random_);
      for (const Update& update : c.updates) {
        for (size_t first = 0; first < c.count;) {
          const size_t size = 1 + random_() % (c.count - first);
          FoldAdd(c.dtype, c.Part(update, first, size), c.Scale(update),
                  absl::MakeSpan(sum).subspan(first, size));
          first += size;
        }
      }
      ASSERT_EQ(sum, exact);
    }
  }
}

TEST_P(FoldTest, ManyAtOnceEqualOneAfterAnother) {
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    for (const size_t updates : {1, 2, 3, 4, 5, 7, 8, 9, 16, 31, 64}) {
      // Several tiles of either size.
      const Case c(GetParam(), updates, 1 + random_() % (updates > 8 ? 20'000 : 2'500), random_);
      std::vector<int64_t> zero_and(c.count);
      for (const Update& update : c.updates) {
        FoldAdd(c.dtype, update.elements, c.Scale(update), absl::MakeSpan(zero_and));
      }
      // A sum need not start at zero, nor at an aligned place.
      const size_t offset = random_() % 8;
      std::vector<int64_t> start(offset + c.count);
      for (int64_t& s : start) s = static_cast<int64_t>(random_());
      std::vector<int64_t> added = start;
      std::vector<int64_t> set = start;
      std::vector<int64_t> set_past_caches = start;
      EXPECT_EQ(Fold(FoldInto::kAdd, c.dtype, c.Inputs(), c.grid.range(),
                     absl::MakeSpan(added).subspan(offset)),
                0u);
      EXPECT_EQ(Fold(FoldInto::kSet, c.dtype, c.Inputs(), c.grid.range(),
                     absl::MakeSpan(set).subspan(offset)),
                0u);
      EXPECT_EQ(Fold(FoldInto::kSetPastCaches, c.dtype, c.Inputs(), c.grid.range(),
                     absl::MakeSpan(set_past_caches).subspan(offset)),
                0u);
      ASSERT_EQ(set_past_caches, set) << updates;
      for (size_t i = 0; i < c.count; ++i) {
        const auto sum = static_cast<uint64_t>(start[offset + i]);
        ASSERT_EQ(static_cast<uint64_t>(added[offset + i]) - sum,
                  static_cast<uint64_t>(zero_and[i]))
            << updates;
        ASSERT_EQ(set[offset + i], zero_and[i]) << updates;
      }
      Fold(FoldInto::kSubtract, c.dtype, c.Inputs(), c.grid.range(),
           absl::MakeSpan(added).subspan(offset));
      ASSERT_EQ(added, start) << updates;
    }
  }
}

// Which updates have an element out of range is told of each; and whatever their elements are,
// folding them and taking them out again, one by one, leaves no trace.
TEST_P(FoldTest, ElementsOutOfRangeAreToldAndTakenOutExactly) {
  const size_t size = DtypeSizeBytes(GetParam());
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    for (const size_t updates : {1, 2, 3, 5, 8, 13, 64}) {
      Case c(GetParam(), updates, 1 + random_() % 1500, random_);
      const double range = c.grid.range() / 2;  // so that there is something beyond it
      uint64_t bad = 0;
      for (size_t k = 0; k < updates; ++k) {
        Bytes& elements = c.updates[k].elements;
        elements = RandomElements(c.dtype, c.count, range, random_);
        if (random_() % 3 != 0) continue;
        using Limits = std::numeric_limits<double>;
        const double values[] = {Limits::infinity(), -Limits::infinity(), Limits::quiet_NaN(),
                                 -Limits::quiet_NaN(), c.grid.range()};
        for (uint64_t more = 1 + random_() % 5; more > 0; --more) {
          uint8_t* const element = &elements[random_() % c.count * size];
          WriteElement(c.dtype, values[random_() % std::size(values)], element);
          const uint64_t pattern = random_();
          if (pattern % 3 == 0) std::memcpy(element, &pattern, size);  // any NaN, any payload
        }
        if (!AllInRange(c.dtype, elements, range)) bad |= uint64_t{1} << k;
      }
      std::vector<int64_t> sum(c.count);
      for (int64_t& s : sum) s = static_cast<int64_t>(random_());
      std::vector<int64_t> good = sum;
      ASSERT_EQ(Fold(FoldInto::kAdd, c.dtype, c.Inputs(), range, absl::MakeSpan(sum)), bad);
      for (size_t k = 0; k < updates; ++k) {
        const Update& update = c.updates[k];
        if ((bad >> k & 1) != 0) {
          FoldSubtract(c.dtype, update.elements, c.Scale(update), absl::MakeSpan(sum));
        } else {
          FoldAdd(c.dtype, update.elements, c.Scale(update), absl::MakeSpan(good));
        }
      }
      ASSERT_EQ(sum, good) << updates;
    }
  }
}

TEST_P(FoldTest, SubtractUndoesAnyOneExactly) {
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    for (int round = 0; round < 20; ++round) {
      Case c(GetParam(), 4, 1 + random_() % 300, random_);
      std::vector<int64_t> sum(c.count);
      for (const Update& update : c.updates) {
        FoldAdd(c.dtype, update.elements, c.Scale(update), absl::MakeSpan(sum));
      }
      const auto undone = c.updates.begin() + static_cast<std::ptrdiff_t>(random_() % 4);
      FoldSubtract(c.dtype, undone->elements, c.Scale(*undone), absl::MakeSpan(sum));
      c.updates.erase(undone);
      ASSERT_EQ(sum, c.ExactSum());
    }
  }
}

TEST_P(FoldTest, ThreadsOnDisjointRangesGiveTheSameSum) {
  const Case c(GetParam(), 5, 20000, random_);
  std::vector<int64_t> sum(c.count);
  std::vector<std::thread> threads;
  for (size_t first = 0; first < c.count;) {
    const size_t size = std::min<size_t>(1 + random_() % 7000, c.count - first);
    threads.emplace_back([&c, &sum, first, size] {
      for (const Update& update : c.updates) {
        FoldAdd(c.dtype, c.Part(update, first, size), c.Scale(update),
                absl::MakeSpan(sum).subspan(first, size));
      }
    });
    first += size;
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(sum, c.ExactSum());
}

TEST_P(FoldTest, ElementsAndSumsNeedNoAlignmentAndNothingBesideThemIsTouched) {
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    for (size_t count = 1; count <= 70; ++count) {
      const Case c(GetParam(), 1, count, random_);
      const size_t offset = random_() % 64;
      // At the very end of its allocation, where a sanitizer sees a read beyond.
      Bytes elements(offset);
      Append(elements, c.updates[0].elements);
      elements.shrink_to_fit();
      std::vector<int64_t> sum(count + 2, 77);
      FoldAdd(c.dtype, ByteSpan(elements).subspan(offset), c.Scale(c.updates[0]),
              absl::MakeSpan(sum).subspan(1, count));
      std::vector<int64_t> expected = c.ExactSum();
      for (int64_t& e : expected) e += 77;
      expected.insert(expected.begin(), 77);
      expected.push_back(77);
      ASSERT_EQ(sum, expected);
    }
  }
}

// The sum's contract: 65535 terms of the greatest size do not overflow.
TEST_P(FoldTest, TheGreatestNumberOfTheGreatestTermsFits) {
  const Grid grid = *Grid::Make(1.0, Weight(kFoldWeightMax));
  for (const double end : {1.0, -1.0}) {
    Bytes elements(64 * DtypeSizeBytes(GetParam()));
    for (size_t i = 0; i < 64; ++i) {
      WriteElement(GetParam(), end, &elements[i * DtypeSizeBytes(GetParam())]);
    }
    ASSERT_TRUE(AllInRange(GetParam(), elements, grid.range()));
    std::vector<int64_t> sum(64);
    for (uint64_t n = 0; n < kFoldTermsMax; ++n) {
      FoldAdd(GetParam(), elements, grid.Scale(grid.weight_max()), absl::MakeSpan(sum));
    }
    const int64_t expected = (int64_t{1} << 47) * static_cast<int64_t>(kFoldTermsMax);
    EXPECT_EQ(sum, std::vector<int64_t>(64, end > 0 ? expected : -expected));
  }
}

TEST(FoldTiesTest, TiesGoToEven) {
  const Grid grid = *Grid::Make(std::ldexp(1.0, 47), Weight(1));  // a step of 1
  ASSERT_EQ(grid.step(), 1.0);
  const float values[] = {0.5F,  1.5F,       2.5F,   -0.5F,   -1.5F,
                          -2.5F, 3.4999998F, 1e-40F, -1e-40F, -0.0F};
  const std::vector<int64_t> expected = {0, 2, 2, 0, -2, -2, 3, 0, 0, 0};
  for (const int64_t target : Targets()) {
    const UseTarget use(target);
    // 40 of them, so that whole vectors and the rest both see every one.
    Bytes elements;
    std::vector<int64_t> wanted;
    for (int i = 0; i < 4; ++i) {
      Append(elements, ByteSpan(reinterpret_cast<const uint8_t*>(values), sizeof(values)));
      wanted.insert(wanted.end(), expected.begin(), expected.end());
    }
    std::vector<int64_t> sum(wanted.size());
    FoldAdd(Dtype::kF32, elements, grid.Scale(Weight(1)), absl::MakeSpan(sum));
    EXPECT_EQ(sum, wanted);
  }
}

TEST(FoldHalvesTest, EveryPatternIsFoldedExactly) {
  for (const Dtype dtype : {Dtype::kF16, Dtype::kBf16}) {
    const Grid grid = *Grid::Make(std::numeric_limits<float>::max(), Weight(1000));
    const Grid small = *Grid::Make(std::ldexp(1.0, -100), Weight(1000));
    for (const Grid& g : {grid, small, *Grid::Make(65504, Weight(1))}) {
      Bytes elements;
      for (uint32_t bits = 0; bits < 0x10000; ++bits) {
        const uint8_t element[] = {static_cast<uint8_t>(bits), static_cast<uint8_t>(bits >> 8)};
        if (std::abs(ReadElement(dtype, element)) <= g.range()) Append(elements, element);
      }
      std::vector<int64_t> exact(elements.size() / 2);
      for (size_t i = 0; i < exact.size(); ++i) {
        exact[i] = ExactTerm(dtype, &elements[2 * i], g.weight_max().value(), g.exponent());
      }
      for (const int64_t target : Targets()) {
        const UseTarget use(target);
        std::vector<int64_t> sum(exact.size());
        FoldAdd(dtype, elements, g.Scale(g.weight_max()), absl::MakeSpan(sum));
        ASSERT_EQ(sum, exact) << DtypeName(dtype);
      }
    }
  }
}

TEST(FoldDeathTest, SizesMustAgree) {
  const Bytes elements(16);
  const std::vector<FoldInput> many(kFoldUpdatesMax + 1, {.elements = elements, .scale = 1});
  std::vector<int64_t> sum(3);
  const auto fold = [&](size_t updates) {
    Fold(FoldInto::kAdd, Dtype::kF32, absl::MakeSpan(many).first(updates), 1, absl::MakeSpan(sum));
  };
  EXPECT_DEATH(fold(1), "size");
  EXPECT_DEATH(fold(0), "empty");
  sum.resize(4);
  EXPECT_DEATH(fold(many.size()), "kFoldUpdatesMax");
}

}  // namespace
}  // namespace sealfold
