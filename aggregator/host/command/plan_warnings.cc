#include <cmath>

#include "absl/strings/str_cat.h"
#include "aggregator/host/command/make_plan.h"

namespace sealfold {
namespace {

// Half of the distance between float32 numbers, relative to their size.
constexpr int kFloatRoundingExponent = -24;

// The greatest error of the mean when all weights are `weight`: 2^(e - 48) / weight with 2^e >= R *
// Wmax (docs/PROTOCOL.md, "The fold"), however many participants there are.
double MeanErrorMax(const Plan& plan, double weight) {
  int exponent = 0;
  const double fraction =
      std::frexp(plan.range * static_cast<double>(plan.weight_max.value()), &exponent);
  if (fraction == 0.5) --exponent;
  return std::ldexp(1.0, exponent - 48) / weight;
}

}  // namespace

std::vector<std::string> PlanWarnings(const Plan& plan, double model_largest) {
  std::vector<std::string> warnings;
  const double float_error = std::ldexp(plan.range, kFloatRoundingExponent);
  if (MeanErrorMax(plan, 1) > float_error) {
    warnings.push_back(
        absl::StrCat("weight_max ", plan.weight_max.value(),
                     " is so large that a mean of updates with few examples may be off by ",
                     MeanErrorMax(plan, 1), ", more than float32's own rounding of ", float_error,
                     "; set weight_max near the greatest real number of examples"));
  }
  const double model_error = std::ldexp(model_largest, kFloatRoundingExponent);
  const double best_error = MeanErrorMax(plan, static_cast<double>(plan.weight_max.value()));
  if (model_largest > 0 && best_error > model_error) {
    warnings.push_back(absl::StrCat(
        "range ", plan.range, " is far above the model's own values (up to ", model_largest,
        "): the mean may be off by ", best_error, ", more than float32's own rounding of ",
        model_error, "; set range near the greatest element of a real update"));
  }
  if (plan.quorum < 3) {
    warnings.push_back(absl::StrCat(
        "quorum ", plan.quorum,
        ": with fewer than 3 updates each party can subtract its own and see the rest; "
        "participants' policies refuse it unless they say otherwise"));
  }
  return warnings;
}

}  // namespace sealfold
