// Means, spreads and co-movements of a group of patients, gathered one patient at a time: what the
// analysis keeps of patients, and all of it.
#ifndef SEALFOLD_EXAMPLES_TWO_HOSPITALS_MOMENTS_H_
#define SEALFOLD_EXAMPLES_TWO_HOSPITALS_MOMENTS_H_

#include <cstdint>

#include "absl/types/span.h"
#include "protocol/base/secret.h"

namespace sealfold::two_hospitals {

inline constexpr size_t kMeasures = 30;

// In memory that is wiped: of a small group it is its patients' data. Moves, does not copy.
class Moments {
 public:
  Moments();

  // Requires: kMeasures finite values.
  void Add(absl::Span<const double> measures);
  // As if the other group's patients had been added.
  void Merge(const Moments& other);

  uint64_t patients() const { return patients_; }
  double mean(size_t measure) const { return values()[measure]; }
  // The sum over all patients of the product of two measures' distances from their means.
  double comoment(size_t a, size_t b) const { return values()[(a + 1) * kMeasures + b]; }
  // Requires: at least two patients.
  double variance(size_t measure) const;

 private:
  // The means, then for each measure its co-movements with all.
  absl::Span<const double> values() const;
  absl::Span<double> mutable_values();

  uint64_t patients_ = 0;
  Secret memory_;
};

}  // namespace sealfold::two_hospitals

#endif  // SEALFOLD_EXAMPLES_TWO_HOSPITALS_MOMENTS_H_
