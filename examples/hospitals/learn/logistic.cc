#include "examples/hospitals/learn/logistic.h"

#include <algorithm>
#include <cmath>

#include "protocol/base/error.h"

namespace sealfold::hospitals {
namespace {

constexpr Eigen::Index kWeights = kParameters - 1;

// The log-odds of malignant.
Eigen::VectorXd LogOdds(const Parameters& parameters, const Examples& examples) {
  return (examples.measures * parameters.head<kWeights>()).array() + parameters[kWeights];
}

}  // namespace

Eigen::VectorXd Probabilities(const Parameters& parameters, const Examples& examples) {
  return LogOdds(parameters, examples).unaryExpr([](double z) { return 1 / (1 + std::exp(-z)); });
}

double LogLoss(const Parameters& parameters, const Examples& examples) {
  SEALFOLD_CHECK(examples.size() >= 1);
  const Eigen::VectorXd log_odds = LogOdds(parameters, examples);
  double sum = 0;
  for (Eigen::Index row = 0; row < examples.size(); ++row) {
    const double z = examples.malignant[row] > 0 ? log_odds[row] : -log_odds[row];
    sum += std::max(-z, 0.0) + std::log1p(std::exp(-std::abs(z)));  // log(1 + exp(-z))
  }
  return sum / static_cast<double>(examples.size());
}

double Objective(const Parameters& parameters, const Examples& examples, double l2) {
  return LogLoss(parameters, examples) + l2 / 2 * parameters.head<kWeights>().squaredNorm();
}

Parameters ObjectiveGradient(const Parameters& parameters, const Examples& examples, double l2) {
  SEALFOLD_CHECK(examples.size() >= 1);
  const Eigen::VectorXd residuals = Probabilities(parameters, examples) - examples.malignant;
  Parameters gradient;
  gradient.head<kWeights>() = examples.measures.transpose() * residuals;
  gradient[kWeights] = residuals.sum();
  gradient /= static_cast<double>(examples.size());
  gradient.head<kWeights>() += l2 * parameters.head<kWeights>();
  return gradient;
}

}  // namespace sealfold::hospitals
