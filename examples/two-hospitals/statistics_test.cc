#include "examples/two-hospitals/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "protocol/base/error.h"

namespace sealfold::two_hospitals {
namespace {

using nlohmann::ordered_json;

// A hospital's groups of so many patients; measure 0 rises by one each from `first`, measure 1 is
// its square, the others are 1.
Groups Hospital(std::array<int, kGroups> patients, double first) {
  Groups groups;
  for (size_t g = 0; g < kGroups; ++g) {
    for (int i = 0; i < patients[g]; ++i) {
      std::array<double, kMeasures> measures;
      measures.fill(1);
      measures[0] = first + i + 100 * static_cast<double>(g);
      measures[1] = measures[0] * measures[0];
      groups[g].Add(measures);
    }
  }
  return groups;
}

absl::StatusOr<ordered_json> Joint(std::array<int, kGroups> north, std::array<int, kGroups> south) {
  const Agreement agreement{
      .hospitals = {}, .smallest_group = 5, .measures = {0, 1, 2}, .digest = {}};
  std::vector<Groups> hospitals;
  hospitals.push_back(Hospital(north, 1));
  hospitals.push_back(Hospital(south, 1 + north[0]));
  return JointStatistics(agreement, hospitals);
}

// Measure 0 of the malignant is 1 to 11, of the benign 101 to 105 and 107 to 111 (by hand).
TEST(StatisticsTest, AreThoseOfBothHospitalsTogether) {
  const ordered_json result = Joint({6, 5}, {5, 5}).value();
  EXPECT_EQ(result["patients"]["malignant"], 11);
  EXPECT_EQ(result["patients"]["benign"], 10);
  const ordered_json& first = result["measures"][0];
  EXPECT_EQ(first["measure"], "mean radius");
  EXPECT_EQ(first["malignant"]["mean"], 6);
  EXPECT_EQ(first["malignant"]["sd"], 3.31662) << "the root of 11";
  EXPECT_EQ(first["benign"]["mean"], 106);
  EXPECT_EQ(first["benign"]["sd"], 3.49603) << "the root of 110/9";
  const double error_malignant = 11.0 / 11;
  const double error_benign = 110.0 / 9 / 10;
  EXPECT_NEAR(first["welch_t"], -100 / std::sqrt(error_malignant + error_benign), 1e-3);
  EXPECT_NEAR(first["degrees_of_freedom"],
              std::pow(error_malignant + error_benign, 2) /
                  (std::pow(error_malignant, 2) / 10 + std::pow(error_benign, 2) / 9),
              1e-3);
  EXPECT_NEAR(first["effect_size"], -100 / std::sqrt((110.0 + 110.0) / 19), 1e-3);
  ASSERT_EQ(result["correlations"].size(), 3U);
  EXPECT_EQ(result["correlations"][0]["r"], 0.745817) << "of both groups, each about its own means";
  EXPECT_TRUE(result["correlations"][1]["r"].is_null()) << "a measure that does not vary";
}

TEST(StatisticsTest, AGroupThatIsSmallAtEitherHospitalIsWithheld) {
  for (const bool north_small : {false, true}) {
    const ordered_json result =
        (north_small ? Joint({4, 5}, {90, 5}) : Joint({90, 5}, {4, 5})).value();
    EXPECT_TRUE(result["patients"]["malignant"].is_null());
    EXPECT_EQ(result["patients"]["benign"], 10);
    for (const ordered_json& entry : result["measures"]) {
      EXPECT_EQ(entry.size(), 2U) << entry;
      EXPECT_TRUE(entry.contains("benign"));
    }
    EXPECT_FALSE(result.contains("correlations"));
    EXPECT_FALSE(absl::StrContains(result.dump(), "94")) << "the group's size";
  }
}

TEST(StatisticsTest, NothingIsPublishedOfSmallGroupsAlone) {
  EXPECT_EQ(ErrorCode(Joint({4, 80}, {80, 4}).status()), "groups_too_small");
  EXPECT_EQ(ErrorCode(Joint({0, 0}, {80, 80}).status()), "groups_too_small");
}

}  // namespace
}  // namespace sealfold::two_hospitals
