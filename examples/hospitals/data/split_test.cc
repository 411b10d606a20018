#include "examples/hospitals/data/split.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "examples/hospitals/data/test_data.h"
#include "protocol/base/error.h"

namespace sealfold::hospitals {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Lines(absl::Span<const Patient> patients) {
  std::vector<std::string> lines;
  for (const Patient& patient : patients) {
    lines.push_back(patient.line);
  }
  return lines;
}

std::vector<size_t> MalignantCounts(const Split& split) {
  std::vector<size_t> counts;
  for (const std::vector<Patient>& hospital : split.hospitals) {
    counts.push_back(CountMalignant(hospital));
  }
  return counts;
}

class SplitSeed : public ::testing::TestWithParam<uint64_t> {};
INSTANTIATE_TEST_SUITE_P(First, SplitSeed, ::testing::Range(uint64_t{1}, uint64_t{21}));

TEST_P(SplitSeed, IsAPartition) {
  const Split split = SplitOfSeed(GetParam());
  std::vector<std::string> seen = Lines(split.test);
  for (const std::vector<Patient>& hospital : split.hospitals) {
    for (const std::string& line : Lines(hospital)) {
      seen.push_back(line);
    }
  }
  std::vector<std::string> all = Lines(AllPatients());
  ASSERT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 569)
      << "no two patients are alike";
  std::sort(seen.begin(), seen.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(seen, all);
}

TEST_P(SplitSeed, HasTheSizesThatItPromises) {
  const Split split = SplitOfSeed(GetParam());
  // 20 % of 212 and of 357; 55, 30 and 15 % of the 456 others.
  EXPECT_EQ(CountMalignant(split.test), 42);
  EXPECT_EQ(split.test.size(), 42 + 71);
  EXPECT_EQ(split.hospitals[0].size(), 251);
  EXPECT_EQ(split.hospitals[1].size(), 137);
  EXPECT_EQ(split.hospitals[2].size(), 68);
  for (const std::vector<Patient>& hospital : split.hospitals) {
    EXPECT_GE(CountMalignant(hospital), kClassPatientsMin);
    EXPECT_GE(hospital.size() - CountMalignant(hospital), kClassPatientsMin);
  }
}

TEST_P(SplitSeed, GivesTheSameTwice) {
  const Split a = SplitOfSeed(GetParam());
  const Split b = SplitOfSeed(GetParam());
  EXPECT_EQ(Lines(a.test), Lines(b.test));
  for (size_t h = 0; h < kHospitals; ++h) {
    EXPECT_EQ(Lines(a.hospitals[h]), Lines(b.hospitals[h]));
  }
}

// If these change, so does every number that someone has published about a seed.
TEST(Split, IsTheSameEverywhere) {
  EXPECT_THAT(MalignantCounts(SplitOfSeed(1)), ElementsAre(17, 112, 41));
  EXPECT_THAT(MalignantCounts(SplitOfSeed(2)), ElementsAre(94, 13, 63));
  EXPECT_EQ(SplitOfSeed(1).test[0].line.substr(0, 12), "20.57,17.77,");
}

TEST(Split, AnotherSeedHoldsOutOtherPatients) {
  EXPECT_NE(Lines(SplitOfSeed(1).test), Lines(SplitOfSeed(2).test));
}

TEST(Split, ConcentrationMakesHospitalsAlike) {
  // Greatest difference of a hospital's malignant part from the 170 of 456 of all, over seeds.
  const auto unevenness = [](uint64_t concentration) {
    double greatest = 0;
    for (uint64_t seed = 1; seed <= 20; ++seed) {
      const absl::StatusOr<Split> split = SplitPatients(AllPatients(), {seed, concentration});
      SEALFOLD_CHECK(split.ok());
      for (const std::vector<Patient>& hospital : split->hospitals) {
        const double part =
            static_cast<double>(CountMalignant(hospital)) / static_cast<double>(hospital.size());
        greatest = std::max(greatest, std::abs(part - 170.0 / 456));
      }
    }
    return greatest;
  };
  EXPECT_GT(unevenness(2), 0.4);
  EXPECT_LT(unevenness(kConcentrationMax), 0.25);
}

TEST(Split, TooFewPatientsAreRefused) {
  const std::vector<Patient> all = AllPatients();
  const auto refused = [](absl::Span<const Patient> patients) {
    return ErrorCode(SplitPatients(patients, {}).status()) == "patients_too_few";
  };
  EXPECT_TRUE(refused({}));
  EXPECT_TRUE(refused(absl::MakeConstSpan(all).subspan(0, 60)));
  std::vector<Patient> one_class;
  std::copy_if(all.begin(), all.end(), std::back_inserter(one_class),
               [](const Patient& patient) { return patient.malignant; });
  EXPECT_TRUE(refused(one_class));
  EXPECT_FALSE(refused(absl::MakeConstSpan(all).subspan(0, 120)));
}

}  // namespace
}  // namespace sealfold::hospitals
