#include "examples/hospitals/learn/logistic.h"

#include <gtest/gtest.h>

#include <cmath>

#include "examples/hospitals/data/draws.h"
#include "examples/hospitals/data/test_data.h"

namespace sealfold::hospitals {
namespace {

Parameters RandomParameters(Draws& draws) {
  return Parameters::NullaryExpr([&] { return static_cast<double>(draws.Below(4001)) / 1000 - 2; });
}

TEST(Logistic, TheGradientIsTheSlopeOfTheObjective) {
  const Examples examples = ScaledExamples(absl::MakeConstSpan(AllPatients()).subspan(0, 50));
  constexpr double kStep = 1e-5;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    Draws draws({seed});
    const Parameters at = RandomParameters(draws);
    for (const double l2 : {0.0, 0.1}) {
      const Parameters gradient = ObjectiveGradient(at, examples, l2);
      for (Eigen::Index i = 0; i < kParameters; ++i) {
        const Parameters step = kStep * Parameters::Unit(i);
        const double slope =
            (Objective(at + step, examples, l2) - Objective(at - step, examples, l2)) / (2 * kStep);
        EXPECT_NEAR(gradient[i], slope, 1e-7) << "parameter " << i;
      }
    }
  }
}

TEST(Logistic, WithoutWeightsEveryClassIsAsLikely) {
  const Examples examples = ScaledExamples(AllPatients());
  const Parameters zero = Parameters::Zero();
  EXPECT_NEAR(LogLoss(zero, examples), std::log(2), 1e-12);
  EXPECT_EQ(Probabilities(zero, examples).minCoeff(), 0.5);
  EXPECT_EQ(Probabilities(zero, examples).maxCoeff(), 0.5);
}

TEST(Logistic, TheBiasIsNotDecayed) {
  const Examples examples = ScaledExamples(AllPatients());
  const Parameters bias_only = Parameters::Unit(kParameters - 1);
  EXPECT_EQ(Objective(bias_only, examples, 1), LogLoss(bias_only, examples));
  EXPECT_GT(Objective(Parameters::Unit(0), examples, 1), LogLoss(Parameters::Unit(0), examples));
}

TEST(Logistic, StaysFiniteHoweverWrong) {
  const Examples examples = ScaledExamples(AllPatients());
  for (const double extreme : {-1e6, 1e6}) {
    const Parameters parameters = extreme * Parameters::Unit(kParameters - 1);
    // One class costs its log-odds, the other nothing.
    const double wrong = extreme > 0 ? 357.0 / 569 : 212.0 / 569;
    EXPECT_DOUBLE_EQ(LogLoss(parameters, examples), 1e6 * wrong);
    EXPECT_TRUE(ObjectiveGradient(parameters, examples, 0).allFinite());
  }
}

}  // namespace
}  // namespace sealfold::hospitals
