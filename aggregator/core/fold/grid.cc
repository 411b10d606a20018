#include "aggregator/core/fold/grid.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr int kTermBits = 47;  // |term| <= 2^47

// So that step() and every Scale() are normal doubles: 2^(e - 47), and w * 2^(47 - e) for w from 1
// to 2^29.
constexpr int kExponentMin = -947;
constexpr int kExponentMax = 1069;

// The smallest e with 2^e >= range * weight, which is computed exactly.
int ExponentOf(double range, uint64_t weight) {
  constexpr int kDoubleBits = 53;
  int exponent = 0;
  const double fraction = std::frexp(range, &exponent);
  auto product = static_cast<unsigned __int128>(std::ldexp(fraction, kDoubleBits)) * weight;
  int bits = 0;
  for (unsigned __int128 below = product - 1; below != 0; below >>= 1) ++bits;
  return exponent - kDoubleBits + bits;
}

}  // namespace

absl::StatusOr<Grid> Grid::Make(double range, Weight weight_max) {
  if (!std::isfinite(range) || range <= 0) {
    return BadInput({.code = "grid_range",
                     .what = "range of a plan's elements",
                     .expected = "a finite number above 0",
                     .found = absl::StrCat(range)});
  }
  if (weight_max.value() < 1 || weight_max.value() > kFoldWeightMax) {
    return BadInput({.code = "grid_weight",
                     .what = "greatest weight of a plan",
                     .expected = absl::StrCat("1 to ", kFoldWeightMax),
                     .found = absl::StrCat(weight_max.value())});
  }
  Grid grid;
  grid.range_ = range;
  grid.weight_max_ = weight_max;
  grid.exponent_ = ExponentOf(range, weight_max.value());
  if (grid.exponent_ < kExponentMin || grid.exponent_ > kExponentMax) {
    return BadInput({.code = "grid_exponent",
                     .what = "range times greatest weight of a plan",
                     .expected = absl::StrCat("2^", kExponentMin, " to 2^", kExponentMax),
                     .found = absl::StrCat("about 2^", grid.exponent_),
                     .advice = "choose a range near the elements' own"});
  }
  return grid;
}

double Grid::step() const { return std::ldexp(1.0, exponent_ - kTermBits); }

double Grid::Scale(Weight weight) const {
  SEALFOLD_CHECK(weight.value() >= 1 && weight <= weight_max_);
  return std::ldexp(static_cast<double>(weight.value()), kTermBits - exponent_);
}

double Grid::MeanErrorMax(uint64_t terms, uint64_t weight_sum) const {
  const double grid = std::ldexp(static_cast<double>(terms), exponent_ - kTermBits - 1) /
                      static_cast<double>(weight_sum);
  return grid + 3 * std::ldexp(range_ + grid, -53);
}

}  // namespace sealfold
