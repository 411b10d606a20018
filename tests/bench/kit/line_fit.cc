#include "tests/bench/kit/line_fit.h"

namespace sealfold::bench {

FittedLine FitLine(absl::Span<const FitPoint> points) {
  double w = 0;
  double wx = 0;
  double wy = 0;
  double wxx = 0;
  double wxy = 0;
  for (const FitPoint& point : points) {
    const double weight = 1 / (point.y * point.y);
    w += weight;
    wx += weight * point.x;
    wy += weight * point.y;
    wxx += weight * point.x * point.x;
    wxy += weight * point.x * point.y;
  }
  const double slope = (w * wxy - wx * wy) / (w * wxx - wx * wx);
  return {.constant = (wy - slope * wx) / w, .slope = slope};
}

}  // namespace sealfold::bench
