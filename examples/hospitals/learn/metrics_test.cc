#include "examples/hospitals/learn/metrics.h"

#include <gtest/gtest.h>

#include "examples/hospitals/data/draws.h"
#include "examples/hospitals/data/test_data.h"
#include "protocol/base/error.h"

namespace sealfold::hospitals {
namespace {

double AucOverAllPairs(const Eigen::VectorXd& scores, const Eigen::VectorXd& malignant) {
  double wins = 0;
  double pairs = 0;
  for (Eigen::Index m = 0; m < scores.size(); ++m) {
    for (Eigen::Index b = 0; b < scores.size(); ++b) {
      if (malignant[m] > 0 && malignant[b] == 0) {
        pairs += 1;
        wins += scores[m] > scores[b] ? 1 : scores[m] == scores[b] ? 0.5 : 0;
      }
    }
  }
  return wins / pairs;
}

TEST(Auc, AgreesWithAllPairs) {
  for (uint64_t seed = 1; seed <= 200; ++seed) {
    SCOPED_TRACE(seed);
    Draws draws({seed});
    const auto size = static_cast<Eigen::Index>(2 + draws.Below(40));
    const uint64_t levels = 1 + draws.Below(30);  // few levels, many ties
    Eigen::VectorXd scores(size);
    Eigen::VectorXd malignant(size);
    for (Eigen::Index i = 0; i < size; ++i) {
      scores[i] = static_cast<double>(draws.Below(levels));
      malignant[i] = static_cast<double>(draws.Below(2));
    }
    malignant[0] = 0;
    malignant[1] = 1;
    EXPECT_EQ(Auc(scores, malignant), AucOverAllPairs(scores, malignant));
  }
}

TEST(Auc, KnownCases) {
  const Eigen::Vector4d malignant(0, 0, 1, 1);
  EXPECT_EQ(Auc(Eigen::Vector4d(0.1, 0.2, 0.3, 0.4), malignant), 1);
  EXPECT_EQ(Auc(Eigen::Vector4d(0.4, 0.3, 0.2, 0.1), malignant), 0);
  EXPECT_EQ(Auc(Eigen::Vector4d(0.5, 0.5, 0.5, 0.5), malignant), 0.5);
  EXPECT_EQ(Auc(Eigen::Vector4d(0.1, 0.3, 0.2, 0.4), malignant), 0.75);
}

TEST(Evaluate, AModelThatAlwaysSaysMalignant) {
  StoredParameters model = StoredParameters::Zero();
  model[kParameters - 1] = 1;
  const absl::StatusOr<Metrics> metrics = Evaluate(model, ScaledExamples(AllPatients()), "all");
  ASSERT_TRUE(metrics.ok());
  EXPECT_EQ(metrics->patients, 569);
  EXPECT_DOUBLE_EQ(metrics->accuracy, 212.0 / 569);
  EXPECT_EQ(metrics->auc, 0.5);
}

TEST(Evaluate, OneClassIsRefused) {
  const std::vector<Patient> all = AllPatients();
  ASSERT_TRUE(all[0].malignant);
  const auto metrics = Evaluate(StoredParameters::Zero(),
                                ScaledExamples(absl::MakeConstSpan(all).subspan(0, 1)), "one.csv");
  EXPECT_EQ(ErrorCode(metrics.status()), "class_missing");
  EXPECT_EQ(Explain(metrics.status()).what, "one.csv");
}

}  // namespace
}  // namespace sealfold::hospitals
