// Measures made comparable by public constants, so that no hospital has to tell its patients' mean
// or spread.
#ifndef SEALFOLD_EXAMPLES_HOSPITALS_DATA_SCALING_H_
#define SEALFOLD_EXAMPLES_HOSPITALS_DATA_SCALING_H_

#include <Eigen/Core>

#include "absl/types/span.h"
#include "examples/hospitals/data/patients.h"

namespace sealfold::hospitals {

// One measure's public scale: `low` maps to -1 and `high` to 1.
struct Scale {
  enum class Curve {
    kLog,   // for what is always above 0 and spreads over factors
    kRoot,  // for what may be 0: square root
  };
  const char* name;
  Curve curve;
  double low;   // > 0 for kLog
  double high;  // > low
};

// One for each column of the csv, in its order.
absl::Span<const Scale> Scales();

// In [-1, 1]: what lies beyond low or high counts as low or high, so that no patient, nor a typing
// error, can pull an update further than any other. Requires: measure >= 0.
double Scaled(const Scale& scale, double measure);

// What a model learns from: a row of scaled measures for each patient, and 1 for malignant, 0 for
// benign.
struct Examples {
  Eigen::Matrix<double, Eigen::Dynamic, kMeasures, Eigen::RowMajor> measures;
  Eigen::VectorXd malignant;
  Eigen::Index size() const { return malignant.size(); }
};
Examples ScaledExamples(absl::Span<const Patient> patients);

}  // namespace sealfold::hospitals

#endif  // SEALFOLD_EXAMPLES_HOSPITALS_DATA_SCALING_H_
