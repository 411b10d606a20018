// The grid on which the fold is exact (docs/PROTOCOL.md, "The fold").
//
// A plan fixes a range R (|x| <= R) and the greatest weight Wmax. With 2^e >= R * Wmax, a term w *
// x is rounded once, to nearest and ties to even, to a multiple of 2^(e - 47), and added as an
// int64 count of grid steps: |term| <= 2^47, so fewer than 2^16 terms cannot overflow. Integer sums
// do not depend on order, threads, vector width or how aggregators are cascaded.
#ifndef SEALFOLD_AGGREGATOR_CORE_FOLD_GRID_H_
#define SEALFOLD_AGGREGATOR_CORE_FOLD_GRID_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "protocol/base/types.h"

namespace sealfold {

inline constexpr uint64_t kFoldTermsMax = 65535;  // participants in one sum
inline constexpr uint64_t kFoldWeightMax =
    1u << 29;  // so that w * x of a float32 x is exact in double

class Grid {
 public:
  // `range` finite and > 0, 1 <= weight_max <= kFoldWeightMax, and the exponent within double's
  // normal range: InvalidArgument otherwise ("grid_*").
  static absl::StatusOr<Grid> Make(double range, Weight weight_max);

  double range() const { return range_; }
  Weight weight_max() const { return weight_max_; }
  int exponent() const { return exponent_; }  // e, the smallest with 2^e >= R * Wmax
  // 2^(e - 47): one step of the grid. An exact double.
  double step() const;
  // The factor that takes x to steps for weight w: w / step(), an exact double. Requires: 1 <= w <=
  // Wmax.
  double Scale(Weight weight) const;
  // A bound of the absolute error of the mean of `terms` updates with this total weight: that of
  // rounding to the grid, g = terms * 2^(e - 48) / weight_sum, and those of making a double of the
  // sum, of the division, and of this bound: g + 3 * 2^-53 * (range + g). Requires: weight_sum > 0.
  double MeanErrorMax(uint64_t terms, uint64_t weight_sum) const;

 private:
  double range_ = 0;
  Weight weight_max_;
  int exponent_ = 0;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_FOLD_GRID_H_
