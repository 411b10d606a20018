// A whole study within one process, without Sealfold: what its protected rounds are to come to, and
// how the trainer's options are chosen without a look at test patients.
#ifndef SEALFOLD_EXAMPLES_HOSPITALS_LEARN_STUDY_H_
#define SEALFOLD_EXAMPLES_HOSPITALS_LEARN_STUDY_H_

#include <array>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/hospitals/data/split.h"
#include "examples/hospitals/learn/metrics.h"
#include "examples/hospitals/learn/training.h"

namespace sealfold::hospitals {

// Federated averaging: each round every hospital trains from the global model, and the mean of
// their updates, weighted by numbers of examples, is added to it.
struct FederatedRun {
  StoredParameters model;
  float update_max = 0;  // greatest |element| of any update
};
FederatedRun FederatedAverage(absl::Span<const Examples> hospitals, uint64_t rounds,
                              const TrainingOptions& options);

// The three ways to use the hospitals' patients, each scored on the same test patients.
struct Comparison {
  std::array<Metrics, kHospitals> alone;
  Metrics federated;
  Metrics pooled;
  float update_max = 0;

  Metrics AloneMean() const;
};
absl::StatusOr<Comparison> Compare(const Split& split, uint64_t rounds,
                                   const TrainingOptions& options);

// `split` for fold `fold` of `folds`: each hospital's patients are dealt into folds, each class
// evenly; those of this fold, all hospitals' together, are the test, the others stay to train on.
// The split's own test patients are left out. Requires: fold < folds.
Split FoldOf(const Split& split, uint64_t fold, uint64_t folds);

// Compare for each fold, so that each training patient is tested once. Means over folds. Requires:
// 2 <= folds <= kClassPatientsMin.
absl::StatusOr<Comparison> CrossValidate(const Split& split, uint64_t folds, uint64_t rounds,
                                         const TrainingOptions& options);

}  // namespace sealfold::hospitals

#endif  // SEALFOLD_EXAMPLES_HOSPITALS_LEARN_STUDY_H_
