#include "examples/hospitals/learn/study.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "examples/hospitals/data/test_data.h"

namespace sealfold::hospitals {
namespace {

void AddMeans(Metrics& sum, const Metrics& metrics) {
  sum.accuracy += metrics.accuracy / 5;
  sum.auc += metrics.auc / 5;
}

// The claim that the demo makes with the same numbers: means over five seeds.
TEST(Study, FederatedBeatsAloneAndComesNearPooled) {
  Metrics alone;
  Metrics federated;
  Metrics pooled;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    const auto comparison = Compare(SplitOfSeed(seed), kRoundsDefault, {.seed = seed});
    ASSERT_TRUE(comparison.ok());
    AddMeans(alone, comparison->AloneMean());
    AddMeans(federated, comparison->federated);
    AddMeans(pooled, comparison->pooled);
    // The range that a plan for these hospitals may rely on (README.md).
    EXPECT_LT(comparison->update_max, 4) << "seed " << seed;
  }
  EXPECT_GT(federated.accuracy, alone.accuracy + 0.02);
  EXPECT_GT(federated.accuracy, pooled.accuracy - 0.01);
  EXPECT_GT(federated.auc, alone.auc);
  EXPECT_GT(federated.auc, pooled.auc - 0.01);
}

TEST(Study, OneHospitalsFederationIsTrainingAlone) {
  const std::vector<Examples> one = {ScaledExamples(SplitOfSeed(1).hospitals[1])};
  const StoredParameters federated = FederatedAverage(one, 3, {}).model;
  EXPECT_TRUE(federated.isApprox(TrainAlone(StoredParameters::Zero(), one[0], 3, {}), 1e-5F));
}

TEST(Study, HospitalsCountByTheirExamples) {
  const Split split = SplitOfSeed(1);
  const std::vector<Examples> hospitals = {ScaledExamples(split.hospitals[0]),
                                           ScaledExamples(split.hospitals[2])};
  const StoredParameters zero = StoredParameters::Zero();
  const Parameters first = LocalUpdate(zero, hospitals[0], 1, {}).cast<double>();
  const Parameters second = LocalUpdate(zero, hospitals[1], 1, {}).cast<double>();
  const Parameters mean = (251 * first + 68 * second) / (251 + 68);
  const FederatedRun run = FederatedAverage(hospitals, 1, {});
  EXPECT_TRUE(run.model.isApprox(mean.cast<float>(), 1e-6F));
  EXPECT_FLOAT_EQ(run.update_max, static_cast<float>(std::max(first.cwiseAbs().maxCoeff(),
                                                              second.cwiseAbs().maxCoeff())));
}

TEST(Study, FoldsTestEachTrainingPatientOnceAndNeverTrainOnIt) {
  const Split split = SplitOfSeed(1);
  std::multiset<std::string> tested;
  for (uint64_t fold = 0; fold < 5; ++fold) {
    const Split within = FoldOf(split, fold, 5);
    std::set<std::string> test;
    for (const Patient& patient : within.test) {
      test.insert(patient.line);
      tested.insert(patient.line);
    }
    EXPECT_NEAR(static_cast<double>(CountMalignant(within.test)), 170.0 / 5, 3);
    size_t trained = 0;
    for (const std::vector<Patient>& hospital : within.hospitals) {
      trained += hospital.size();
      for (const Patient& patient : hospital) {
        EXPECT_FALSE(test.contains(patient.line));
      }
    }
    EXPECT_EQ(trained + within.test.size(), 456);
  }
  std::multiset<std::string> training;
  for (const std::vector<Patient>& hospital : split.hospitals) {
    for (const Patient& patient : hospital) {
      training.insert(patient.line);
    }
  }
  EXPECT_EQ(tested, training) << "so none of the split's test patients";
}

TEST(Study, CrossValidationIsTheMeanOverFolds) {
  const Split split = SplitOfSeed(1);
  const auto mean = CrossValidate(split, 2, 2, {});
  const auto first = Compare(FoldOf(split, 0, 2), 2, {});
  const auto second = Compare(FoldOf(split, 1, 2), 2, {});
  ASSERT_TRUE(mean.ok() && first.ok() && second.ok());
  EXPECT_DOUBLE_EQ(mean->federated.log_loss,
                   (first->federated.log_loss + second->federated.log_loss) / 2);
  EXPECT_DOUBLE_EQ(mean->alone[2].auc, (first->alone[2].auc + second->alone[2].auc) / 2);
  EXPECT_EQ(mean->pooled.patients, 456);
}

}  // namespace
}  // namespace sealfold::hospitals
