#include "examples/hospitals/learn/study.h"

#include <algorithm>

#include "protocol/base/error.h"

namespace sealfold::hospitals {
namespace {

void Add(Metrics& sum, const Metrics& term, double factor) {
  sum.patients += term.patients;
  sum.accuracy += factor * term.accuracy;
  sum.auc += factor * term.auc;
  sum.log_loss += factor * term.log_loss;
}

}  // namespace

FederatedRun FederatedAverage(absl::Span<const Examples> hospitals, uint64_t rounds,
                              const TrainingOptions& options) {
  FederatedRun run{.model = StoredParameters::Zero()};
  for (uint64_t round = 1; round <= rounds; ++round) {
    Parameters sum = Parameters::Zero();
    double weight = 0;
    for (const Examples& hospital : hospitals) {
      const StoredParameters update = LocalUpdate(run.model, hospital, round, options);
      run.update_max = std::max(run.update_max, update.cwiseAbs().maxCoeff());
      sum += static_cast<double>(hospital.size()) * update.cast<double>();
      weight += static_cast<double>(hospital.size());
    }
    run.model = (run.model.cast<double>() + sum / weight).cast<float>();
  }
  return run;
}

Metrics Comparison::AloneMean() const {
  Metrics mean;
  for (const Metrics& metrics : alone) {
    Add(mean, metrics, 1.0 / kHospitals);
  }
  return mean;
}

absl::StatusOr<Comparison> Compare(const Split& split, uint64_t rounds,
                                   const TrainingOptions& options) {
  const Examples test = ScaledExamples(split.test);
  std::vector<Examples> hospitals;
  std::vector<Patient> all;
  for (const std::vector<Patient>& hospital : split.hospitals) {
    hospitals.push_back(ScaledExamples(hospital));
    all.insert(all.end(), hospital.begin(), hospital.end());
  }
  const StoredParameters initial = StoredParameters::Zero();
  Comparison comparison;
  for (size_t h = 0; h < kHospitals; ++h) {
    const StoredParameters model = TrainAlone(initial, hospitals[h], rounds, options);
    SEALFOLD_ASSIGN_OR_RETURN(comparison.alone[h], Evaluate(model, test, "the test patients"));
  }
  const FederatedRun run = FederatedAverage(hospitals, rounds, options);
  comparison.update_max = run.update_max;
  SEALFOLD_ASSIGN_OR_RETURN(comparison.federated, Evaluate(run.model, test, "the test patients"));
  const StoredParameters pooled = TrainAlone(initial, ScaledExamples(all), rounds, options);
  SEALFOLD_ASSIGN_OR_RETURN(comparison.pooled, Evaluate(pooled, test, "the test patients"));
  return comparison;
}

Split FoldOf(const Split& split, uint64_t fold, uint64_t folds) {
  SEALFOLD_CHECK(fold < folds);
  Split within;
  for (size_t h = 0; h < kHospitals; ++h) {
    std::array<uint64_t, 2> dealt{};  // of each class
    for (const Patient& patient : split.hospitals[h]) {
      const bool tested = dealt[patient.malignant ? 1 : 0]++ % folds == fold;
      (tested ? within.test : within.hospitals[h]).push_back(patient);
    }
  }
  return within;
}

absl::StatusOr<Comparison> CrossValidate(const Split& split, uint64_t folds, uint64_t rounds,
                                         const TrainingOptions& options) {
  SEALFOLD_CHECK(folds >= 2 && folds <= kClassPatientsMin);
  const double part = 1.0 / static_cast<double>(folds);
  Comparison mean;
  for (uint64_t fold = 0; fold < folds; ++fold) {
    SEALFOLD_ASSIGN_OR_RETURN(const Comparison comparison,
                              Compare(FoldOf(split, fold, folds), rounds, options));
    for (size_t h = 0; h < kHospitals; ++h) {
      Add(mean.alone[h], comparison.alone[h], part);
    }
    Add(mean.federated, comparison.federated, part);
    Add(mean.pooled, comparison.pooled, part);
    mean.update_max = std::max(mean.update_max, comparison.update_max);
  }
  return mean;
}

}  // namespace sealfold::hospitals
