#include "tests/bench/kit/line_fit.h"

#include <gtest/gtest.h>

#include <vector>

namespace sealfold::bench {
namespace {

TEST(LineFitTest, PointsOnALineGiveThatLine) {
  std::vector<FitPoint> points;
  for (const double x : {1.0, 10.0, 1e3, 1e9}) points.push_back({x, 5 + 2 * x});
  const FittedLine line = FitLine(points);
  EXPECT_NEAR(line.constant, 5, 1e-9);
  EXPECT_NEAR(line.slope, 2, 1e-9);
  EXPECT_NEAR(line.At(100), 205, 1e-6);
}

// A great point that is off by as much as all small ones together must not decide alone.
TEST(LineFitTest, SmallPointsCountAsMuchAsGreatOnes) {
  const FittedLine line = FitLine(std::vector<FitPoint>{{1, 10}, {2, 10}, {1e6, 1e6 * 1.1}});
  EXPECT_NEAR(line.constant, 10, 2);
  EXPECT_NEAR(line.slope, 1.1, 0.01);
}

}  // namespace
}  // namespace sealfold::bench
