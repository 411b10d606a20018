#include "examples/hospitals/learn/training.h"

#include <gtest/gtest.h>

#include "examples/hospitals/data/test_data.h"

namespace sealfold::hospitals {
namespace {

TEST(Training, LowersTheLossAtEveryHospital) {
  for (const std::vector<Patient>& hospital : SplitOfSeed(1).hospitals) {
    const Examples examples = ScaledExamples(hospital);
    const StoredParameters start = StoredParameters::Zero();
    const StoredParameters trained = start + LocalUpdate(start, examples, 1, {});
    const double before = LogLoss(start.cast<double>(), examples);
    EXPECT_LT(LogLoss(trained.cast<double>(), examples), before / 2);
  }
}

TEST(Training, OneWholeBatchIsOneStepAgainstTheGradient) {
  const Examples examples = ScaledExamples(AllPatients());
  const StoredParameters start = StoredParameters::Constant(0.25F);
  const TrainingOptions options = {
      .epochs = 1, .learning_rate = 0.5, .l2 = 0.1, .batch_examples = 1000};
  const Parameters step = -0.5 * ObjectiveGradient(start.cast<double>(), examples, 0.1);
  EXPECT_TRUE(LocalUpdate(start, examples, 1, options).isApprox(step.cast<float>(), 1e-6F));
}

TEST(Training, DependsOnSeedAndRoundAndNothingElse) {
  const Examples examples = ScaledExamples(SplitOfSeed(1).hospitals[2]);
  const StoredParameters start = StoredParameters::Zero();
  const auto update = [&](uint64_t round, uint64_t seed) {
    return LocalUpdate(start, examples, round, {.seed = seed});
  };
  EXPECT_EQ(update(3, 7), update(3, 7));
  EXPECT_NE(update(3, 7), update(4, 7));
  EXPECT_NE(update(3, 7), update(3, 8));
}

TEST(Training, AloneIsOneHospitalsRoundsInARow) {
  const Examples examples = ScaledExamples(SplitOfSeed(1).hospitals[0]);
  StoredParameters model = StoredParameters::Zero();
  for (uint64_t round = 1; round <= 3; ++round) {
    model += LocalUpdate(model, examples, round, {});
  }
  EXPECT_EQ(TrainAlone(StoredParameters::Zero(), examples, 3, {}), model);
}

}  // namespace
}  // namespace sealfold::hospitals
