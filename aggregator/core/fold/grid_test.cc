#include "aggregator/core/fold/grid.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

Grid Make(double range, uint64_t weight_max) {
  absl::StatusOr<Grid> grid = Grid::Make(range, Weight(weight_max));
  EXPECT_TRUE(grid.ok()) << grid.status();
  return *grid;
}

std::string CodeOf(double range, uint64_t weight_max) {
  return ErrorCode(Grid::Make(range, Weight(weight_max)).status());
}

TEST(GridTest, ExponentIsTheLeastPowerOfTwoNotBelowRangeTimesWeight) {
  EXPECT_EQ(Make(1, 1).exponent(), 0);
  EXPECT_EQ(Make(1, 2).exponent(), 1);
  EXPECT_EQ(Make(1, 3).exponent(), 2);
  EXPECT_EQ(Make(0.5, 4).exponent(), 1);
  EXPECT_EQ(Make(10, 300).exponent(), 12);
  EXPECT_EQ(Make(std::nextafter(1.0, 2.0), 1).exponent(), 1);
  EXPECT_EQ(Make(std::nextafter(1.0, 0.0), 1).exponent(), 0);
  // 83 bits: in doubles this product would round to 2^29.
  EXPECT_EQ(Make(std::nextafter(1.0, 2.0), kFoldWeightMax).exponent(), 30);
  EXPECT_EQ(Make(std::nextafter(1.0, 0.0), kFoldWeightMax).exponent(), 29);
  EXPECT_EQ(Make(std::numeric_limits<float>::max(), 1).exponent(), 128);
}

TEST(GridTest, StepAndScaleAreExact) {
  const Grid grid = Make(10, 300);
  EXPECT_EQ(grid.step(), std::ldexp(1.0, 12 - 47));
  EXPECT_EQ(grid.Scale(Weight(1)), std::ldexp(1.0, 47 - 12));
  EXPECT_EQ(grid.Scale(Weight(299)), std::ldexp(299.0, 47 - 12));
  EXPECT_LE(grid.range() * grid.Scale(grid.weight_max()), std::ldexp(1.0, 47));
  const double rounding = 3 * std::ldexp(1.0, 12 - 48) / 600;
  EXPECT_EQ(grid.MeanErrorMax(3, 600), rounding + 3 * std::ldexp(10 + rounding, -53));
  EXPECT_DEATH(grid.Scale(Weight(0)), "weight");
  EXPECT_DEATH(grid.Scale(Weight(301)), "weight");
}

TEST(GridTest, FactorsAreNormalAtBothEndsOfTheExponent) {
  for (const double range : {std::ldexp(1.0, -947), std::ldexp(1.0, -976), std::ldexp(1.0, 1023),
                             std::numeric_limits<double>::max()}) {
    const uint64_t weight = range < 1 && std::ilogb(range) < -947 ? kFoldWeightMax : 1 << 20;
    const Grid grid = Make(range, weight);
    EXPECT_TRUE(std::isnormal(grid.step())) << range;
    EXPECT_TRUE(std::isnormal(grid.Scale(Weight(1)))) << range;
    EXPECT_TRUE(std::isnormal(grid.Scale(grid.weight_max()))) << range;
    EXPECT_EQ(grid.step() * grid.Scale(Weight(1)), 1.0) << range;
  }
}

TEST(GridTest, WhatHasNoGridIsRefused) {
  using Limits = std::numeric_limits<double>;
  for (const double range : {0.0, -0.0, -1.0, static_cast<double>(Limits::infinity()),
                             static_cast<double>(Limits::quiet_NaN())}) {
    EXPECT_EQ(CodeOf(range, 1), "grid_range") << range;
  }
  EXPECT_EQ(CodeOf(1, 0), "grid_weight");
  EXPECT_EQ(CodeOf(1, kFoldWeightMax + 1), "grid_weight");
  EXPECT_EQ(CodeOf(1, UINT64_MAX), "grid_weight");
  EXPECT_EQ(CodeOf(std::ldexp(1.0, -948), 1), "grid_exponent");
  EXPECT_EQ(CodeOf(Limits::denorm_min(), 1), "grid_exponent");
  EXPECT_EQ(CodeOf(Limits::max(), kFoldWeightMax), "");  // e = 1053
}

}  // namespace
}  // namespace sealfold
