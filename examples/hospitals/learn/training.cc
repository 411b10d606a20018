#include "examples/hospitals/learn/training.h"

#include <algorithm>
#include <numeric>
#include <vector>

#include "examples/hospitals/data/draws.h"
#include "protocol/base/error.h"

namespace sealfold::hospitals {
namespace {

Examples Batch(const Examples& examples, const std::vector<Eigen::Index>& order, size_t first,
               size_t count) {
  Examples batch;
  batch.measures.resize(static_cast<Eigen::Index>(count), Eigen::NoChange);
  batch.malignant.resize(static_cast<Eigen::Index>(count));
  for (size_t i = 0; i < count; ++i) {
    const auto row = static_cast<Eigen::Index>(i);
    batch.measures.row(row) = examples.measures.row(order[first + i]);
    batch.malignant[row] = examples.malignant[order[first + i]];
  }
  return batch;
}

}  // namespace

StoredParameters LocalUpdate(const StoredParameters& global, const Examples& examples,
                             uint64_t round, const TrainingOptions& options) {
  SEALFOLD_CHECK(examples.size() >= 1 && options.batch_examples >= 1);
  Draws draws({options.seed, round});
  std::vector<Eigen::Index> order(static_cast<size_t>(examples.size()));
  std::iota(order.begin(), order.end(), Eigen::Index{0});
  const Parameters start = global.cast<double>();
  Parameters parameters = start;
  for (uint64_t epoch = 0; epoch < options.epochs; ++epoch) {
    draws.Shuffle(order);
    for (size_t first = 0; first < order.size(); first += options.batch_examples) {
      const size_t count = std::min<size_t>(options.batch_examples, order.size() - first);
      const Examples batch = Batch(examples, order, first, count);
      parameters -= options.learning_rate * ObjectiveGradient(parameters, batch, options.l2);
    }
  }
  return (parameters - start).cast<float>();
}

StoredParameters TrainAlone(const StoredParameters& initial, const Examples& examples,
                            uint64_t rounds, const TrainingOptions& options) {
  StoredParameters model = initial;
  for (uint64_t round = 1; round <= rounds; ++round) {
    model += LocalUpdate(model, examples, round, options);
  }
  return model;
}

}  // namespace sealfold::hospitals
