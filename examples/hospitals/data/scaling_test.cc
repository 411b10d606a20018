#include "examples/hospitals/data/scaling.h"

#include <gtest/gtest.h>

#include "examples/hospitals/data/test_data.h"

namespace sealfold::hospitals {
namespace {

TEST(Scaling, EndsOfEachScaleAreMinusOneAndOne) {
  ASSERT_EQ(Scales().size(), kMeasures);
  for (const Scale& scale : Scales()) {
    SCOPED_TRACE(scale.name);
    EXPECT_DOUBLE_EQ(Scaled(scale, scale.low), -1);
    EXPECT_DOUBLE_EQ(Scaled(scale, scale.high), 1);
    EXPECT_GT(Scaled(scale, scale.high * 0.9), Scaled(scale, scale.high * 0.8));
  }
}

TEST(Scaling, WhatLiesBeyondCountsAsTheEnd) {
  for (const Scale& scale : Scales()) {
    SCOPED_TRACE(scale.name);
    EXPECT_DOUBLE_EQ(Scaled(scale, 0), -1);
    EXPECT_DOUBLE_EQ(Scaled(scale, 1e300), 1);
  }
}

TEST(Scaling, TheSetLiesWithinTheScales) {
  for (const Patient& patient : AllPatients()) {
    for (size_t i = 0; i < kMeasures; ++i) {
      EXPECT_GE(patient.measures[i], Scales()[i].low) << Scales()[i].name;
      EXPECT_LE(patient.measures[i], Scales()[i].high) << Scales()[i].name;
    }
  }
}

TEST(Scaling, ExamplesKeepTheOrderOfPatients) {
  const std::vector<Patient> patients = AllPatients();
  const Examples examples = ScaledExamples(patients);
  ASSERT_EQ(examples.size(), 569);
  EXPECT_EQ(examples.malignant.sum(), 212);
  EXPECT_EQ(examples.malignant[0], 1);
  EXPECT_EQ(examples.measures(568, 29), Scaled(Scales()[29], patients[568].measures[29]));
}

}  // namespace
}  // namespace sealfold::hospitals
