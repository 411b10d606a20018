// A straight line through points of a series: what is constant and what each unit costs.
#ifndef SEALFOLD_TESTS_BENCH_KIT_LINE_FIT_H_
#define SEALFOLD_TESTS_BENCH_KIT_LINE_FIT_H_

#include "absl/types/span.h"

namespace sealfold::bench {

struct FitPoint {
  double x;
  double y;
};

struct FittedLine {
  double constant = 0;
  double slope = 0;
  double At(double x) const { return constant + slope * x; }
};

// Least squares of the relative residuals, so that small points count as much as great ones.
// Requires: two points of different x; all y > 0.
FittedLine FitLine(absl::Span<const FitPoint> points);

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_KIT_LINE_FIT_H_
