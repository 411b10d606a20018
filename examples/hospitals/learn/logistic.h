// Logistic regression: the probability that a tumour is malignant from its scaled measures.
//
// Why not a network: some hundred patients do not carry one. The loss is convex, so what federated
// and pooled training come to can be compared without luck of the start.
#ifndef SEALFOLD_EXAMPLES_HOSPITALS_LEARN_LOGISTIC_H_
#define SEALFOLD_EXAMPLES_HOSPITALS_LEARN_LOGISTIC_H_

#include <Eigen/Core>

#include "examples/hospitals/data/scaling.h"

namespace sealfold::hospitals {

// One weight per measure and, last, the bias.
inline constexpr Eigen::Index kParameters = static_cast<Eigen::Index>(kMeasures) + 1;
using Parameters = Eigen::Matrix<double, kParameters, 1>;

// What model and update files carry.
using StoredParameters = Eigen::Matrix<float, kParameters, 1>;

// P(malignant) for each row.
Eigen::VectorXd Probabilities(const Parameters& parameters, const Examples& examples);

// Mean over the examples of -log P(their class). Finite however wrong a finite model is. Requires:
// examples.size() >= 1.
double LogLoss(const Parameters& parameters, const Examples& examples);

// What training minimises: LogLoss + l2 / 2 * |weights|^2 (not of the bias).
double Objective(const Parameters& parameters, const Examples& examples, double l2);
Parameters ObjectiveGradient(const Parameters& parameters, const Examples& examples, double l2);

}  // namespace sealfold::hospitals

#endif  // SEALFOLD_EXAMPLES_HOSPITALS_LEARN_LOGISTIC_H_
