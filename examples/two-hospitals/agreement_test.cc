#include "examples/two-hospitals/agreement.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "examples/two-hospitals/patients.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"

namespace sealfold::two_hospitals {
namespace {

std::string Text() {
  return absl::StrCat(R"({"format": "two-hospitals-agreement-1", "hospitals": [
    {"name": "north", "key": ")",
                      std::string(64, 'a'), R"("}, {"name": "south", "key": ")",
                      std::string(64, 'b'), R"("}],
    "smallest_group": 10, "measures": ["mean area", "worst texture"]})");
}

std::string Code(const std::string& from, const std::string& to) {
  const std::string text = absl::StrReplaceAll(Text(), {{from, to}});
  EXPECT_NE(text, Text()) << from;
  return ErrorCode(ParseAgreement(text, "agreement").status());
}

TEST(AgreementTest, SaysWhoAndWhatIsComputed) {
  const absl::StatusOr<Agreement> agreement = ParseAgreement(Text(), "agreement");
  ASSERT_TRUE(agreement.ok()) << agreement.status();
  EXPECT_EQ(agreement->hospitals[1].name, "south");
  EXPECT_EQ(agreement->hospitals[0].key.hex(), std::string(64, 'a'));
  EXPECT_EQ(agreement->smallest_group, 10U);
  ASSERT_EQ(agreement->measures.size(), 2U);
  EXPECT_STREQ(kMeasureNames[agreement->measures[0]], "mean area");
  EXPECT_STREQ(kMeasureNames[agreement->measures[1]], "worst texture");
  EXPECT_EQ(agreement->digest, Sha256(AsBytes(Text())));
}

TEST(AgreementTest, WhatIsWrongIsTold) {
  EXPECT_EQ(Code("agreement-1", "agreement-2"), "field_invalid");
  EXPECT_EQ(Code("\"smallest_group\": 10", "\"smallest_group\": 4"), "field_invalid");
  EXPECT_EQ(Code("\"smallest_group\"", "\"smallest\""), "field_unknown");
  EXPECT_EQ(Code("aaaa", "zzzz"), "hex_invalid");
  EXPECT_EQ(Code("south", "north"), "hospital_doubled");
  EXPECT_EQ(Code("bbbb", "aaaa"), "hospital_doubled");
  EXPECT_EQ(Code("mean area", "mean aria"), "measure_unknown");
  EXPECT_EQ(Code("mean area", "worst texture"), "measure_doubled");
}

}  // namespace
}  // namespace sealfold::two_hospitals
