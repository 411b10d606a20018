// Training on one hospital's patients: stochastic gradient descent from the global model.
#ifndef SEALFOLD_EXAMPLES_HOSPITALS_LEARN_TRAINING_H_
#define SEALFOLD_EXAMPLES_HOSPITALS_LEARN_TRAINING_H_

#include <cstdint>

#include "examples/hospitals/learn/logistic.h"

namespace sealfold::hospitals {

// The defaults are what `hospitals-study tune` chose (see README.md).
struct TrainingOptions {
  uint64_t epochs = 2;
  double learning_rate = 3;
  double l2 = 0.0001;
  uint64_t batch_examples = 16;
  uint64_t seed = 1;
};
inline constexpr uint64_t kRoundsDefault = 15;

// What `options.epochs` passes over `examples` in mini-batches, shuffled by the seed and the round,
// change in `global`. That is the update; global + update is the trained model. Requires:
// examples.size() >= 1.
StoredParameters LocalUpdate(const StoredParameters& global, const Examples& examples,
                             uint64_t round, const TrainingOptions& options);

// `rounds` rounds by one trainer alone: the same number of passes as a federated run's. Each
// round's result is rounded to what a model file holds.
StoredParameters TrainAlone(const StoredParameters& initial, const Examples& examples,
                            uint64_t rounds, const TrainingOptions& options);

}  // namespace sealfold::hospitals

#endif  // SEALFOLD_EXAMPLES_HOSPITALS_LEARN_TRAINING_H_
