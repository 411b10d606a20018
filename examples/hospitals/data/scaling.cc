#include "examples/hospitals/data/scaling.h"

#include <algorithm>
#include <cmath>

namespace sealfold::hospitals {
namespace {

using Curve = Scale::Curve;

// The ranges published with the data set, rounded outward to one or two digits. Lengths are in
// units of the digitised image; compactness is perimeter^2 / area - 1, fractal dimension 'coastline
// approximation' - 1.
constexpr Scale kScales[kMeasures] = {
    {"mean radius", Curve::kLog, 6, 30},
    {"mean texture", Curve::kLog, 9, 40},
    {"mean perimeter", Curve::kLog, 40, 200},
    {"mean area", Curve::kLog, 140, 2600},
    {"mean smoothness", Curve::kLog, 0.05, 0.17},
    {"mean compactness", Curve::kLog, 0.015, 0.35},
    {"mean concavity", Curve::kRoot, 0, 0.45},
    {"mean concave points", Curve::kRoot, 0, 0.21},
    {"mean symmetry", Curve::kLog, 0.1, 0.31},
    {"mean fractal dimension", Curve::kLog, 0.045, 0.1},
    {"radius error", Curve::kLog, 0.1, 3},
    {"texture error", Curve::kLog, 0.35, 5},
    {"perimeter error", Curve::kLog, 0.7, 22},
    {"area error", Curve::kLog, 6, 550},
    {"smoothness error", Curve::kLog, 0.0015, 0.035},
    {"compactness error", Curve::kLog, 0.002, 0.14},
    {"concavity error", Curve::kRoot, 0, 0.4},
    {"concave points error", Curve::kRoot, 0, 0.055},
    {"symmetry error", Curve::kLog, 0.007, 0.08},
    {"fractal dimension error", Curve::kLog, 0.0008, 0.03},
    {"worst radius", Curve::kLog, 7, 40},
    {"worst texture", Curve::kLog, 12, 50},
    {"worst perimeter", Curve::kLog, 50, 260},
    {"worst area", Curve::kLog, 180, 4300},
    {"worst smoothness", Curve::kLog, 0.07, 0.23},
    {"worst compactness", Curve::kLog, 0.025, 1.1},
    {"worst concavity", Curve::kRoot, 0, 1.3},
    {"worst concave points", Curve::kRoot, 0, 0.3},
    {"worst symmetry", Curve::kLog, 0.15, 0.7},
    {"worst fractal dimension", Curve::kLog, 0.055, 0.21},
};

double Bent(Curve curve, double measure) {
  return curve == Curve::kLog ? std::log(measure) : std::sqrt(measure);
}

}  // namespace

absl::Span<const Scale> Scales() { return kScales; }

double Scaled(const Scale& scale, double measure) {
  const double within = std::clamp(measure, scale.low, scale.high);
  const double low = Bent(scale.curve, scale.low);
  const double high = Bent(scale.curve, scale.high);
  return 2 * (Bent(scale.curve, within) - low) / (high - low) - 1;
}

Examples ScaledExamples(absl::Span<const Patient> patients) {
  Examples examples;
  const auto rows = static_cast<Eigen::Index>(patients.size());
  examples.measures.resize(rows, kMeasures);
  examples.malignant.resize(rows);
  for (Eigen::Index row = 0; row < rows; ++row) {
    const Patient& patient = patients[static_cast<size_t>(row)];
    for (size_t i = 0; i < kMeasures; ++i) {
      examples.measures(row, static_cast<Eigen::Index>(i)) =
          Scaled(kScales[i], patient.measures[i]);
    }
    examples.malignant(row) = patient.malignant ? 1 : 0;
  }
  return examples;
}

}  // namespace sealfold::hospitals
