#include "examples/hospitals/learn/metrics.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold::hospitals {
namespace {

double Accuracy(const Eigen::VectorXd& probabilities, const Eigen::VectorXd& malignant) {
  const auto right = (probabilities.array() >= 0.5) == (malignant.array() > 0);
  return static_cast<double>(right.count()) / static_cast<double>(malignant.size());
}

}  // namespace

double Auc(const Eigen::VectorXd& scores, const Eigen::VectorXd& malignant) {
  std::vector<Eigen::Index> order(static_cast<size_t>(scores.size()));
  std::iota(order.begin(), order.end(), Eigen::Index{0});
  std::sort(order.begin(), order.end(),
            [&](Eigen::Index a, Eigen::Index b) { return scores[a] < scores[b]; });
  // Counted in halves of a pair, so that it is exact.
  uint64_t half_wins = 0;
  uint64_t benign_below = 0;
  for (size_t first = 0; first < order.size();) {
    uint64_t tied_malignant = 0;
    uint64_t tied_benign = 0;
    size_t last = first;
    for (; last < order.size() && scores[order[last]] == scores[order[first]]; ++last) {
      ++(malignant[order[last]] > 0 ? tied_malignant : tied_benign);
    }
    half_wins += tied_malignant * (2 * benign_below + tied_benign);
    benign_below += tied_benign;
    first = last;
  }
  const uint64_t pairs = benign_below * (order.size() - benign_below);
  SEALFOLD_CHECK(pairs > 0);
  return static_cast<double>(half_wins) / (2 * static_cast<double>(pairs));
}

absl::StatusOr<Metrics> Evaluate(const StoredParameters& model, const Examples& examples,
                                 const std::string& name) {
  const auto malignant = static_cast<Eigen::Index>(examples.malignant.sum());
  if (malignant == 0 || malignant == examples.size()) {
    return BadInput({.code = "class_missing",
                     .what = name,
                     .expected = "patients of both classes, or no AUC can be told",
                     .found = absl::StrCat(malignant, " malignant of ", examples.size())});
  }
  const Parameters parameters = model.cast<double>();
  const Eigen::VectorXd probabilities = Probabilities(parameters, examples);
  return Metrics{.patients = static_cast<uint64_t>(examples.size()),
                 .accuracy = Accuracy(probabilities, examples.malignant),
                 .auc = Auc(probabilities, examples.malignant),
                 .log_loss = LogLoss(parameters, examples)};
}

}  // namespace sealfold::hospitals
