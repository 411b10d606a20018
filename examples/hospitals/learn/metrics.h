// How well probabilities tell the classes apart.
#ifndef SEALFOLD_EXAMPLES_HOSPITALS_LEARN_METRICS_H_
#define SEALFOLD_EXAMPLES_HOSPITALS_LEARN_METRICS_H_

#include <string>

#include "absl/status/statusor.h"
#include "examples/hospitals/learn/logistic.h"

namespace sealfold::hospitals {

struct Metrics {
  uint64_t patients = 0;
  double accuracy = 0;  // part whose class has the greater probability; a probability of exactly
                        // 1/2 says malignant
  double auc = 0;       // see Auc
  double log_loss = 0;  // see LogLoss
};

// The probability that a malignant patient scores higher than a benign one, over all pairs, a tie
// counting half: the area under the ROC curve, exact. Requires: both classes occur and the sizes
// agree.
double Auc(const Eigen::VectorXd& scores, const Eigen::VectorXd& malignant);

// BadInput ("class_missing") unless both classes occur; `name` says in what.
absl::StatusOr<Metrics> Evaluate(const StoredParameters& model, const Examples& examples,
                                 const std::string& name);

}  // namespace sealfold::hospitals

#endif  // SEALFOLD_EXAMPLES_HOSPITALS_LEARN_METRICS_H_
