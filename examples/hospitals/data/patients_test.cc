#include "examples/hospitals/data/patients.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "examples/hospitals/data/test_data.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"

namespace sealfold::hospitals {
namespace {

using ::testing::HasSubstr;

constexpr char kHeader[] = "2,30,malignant,benign\n";
const std::string& Line() {
  static const std::string line =
      "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,0";
  return line;
}
std::string File(const std::string& second_line) {
  return absl::StrCat(kHeader, Line(), "\n", second_line, "\n");
}

TEST(Patients, TheWholeSetIsRead) {
  const std::vector<Patient> patients = AllPatients();
  EXPECT_EQ(patients.size(), 569);
  EXPECT_EQ(CountMalignant(patients), 212);
  EXPECT_EQ(patients[0].measures[0], 17.99);
  EXPECT_EQ(patients[0].measures[29], 0.1189);
  EXPECT_TRUE(patients[0].malignant);
  EXPECT_FALSE(patients[568].malignant);
}

TEST(Patients, WhatIsWrittenKeepsEveryDigit) {
  EXPECT_EQ(PatientsCsv(AllPatients()), *ReadFile(SEALFOLD_HOSPITALS_DATA, 1 << 20));
}

TEST(Patients, LineEndsOfOtherSystemsAreAccepted) {
  const std::string crlf = absl::StrReplaceAll(File(Line()), {{"\n", "\r\n"}});
  const auto patients = ParsePatients(crlf, "f.csv");
  ASSERT_TRUE(patients.ok()) << patients.status();
  EXPECT_EQ(PatientsCsv(*patients), File(Line()));
}

struct Malformed {
  const char* name;
  std::string text;
  const char* code;
  const char* where;
};
class PatientsMalformed : public ::testing::TestWithParam<Malformed> {};

TEST_P(PatientsMalformed, IsRefusedWithAnExplanation) {
  const auto patients = ParsePatients(GetParam().text, "f.csv");
  ASSERT_FALSE(patients.ok());
  const Explanation explanation = Explain(patients.status());
  EXPECT_EQ(explanation.code, GetParam().code);
  EXPECT_EQ(explanation.what, GetParam().where);
  EXPECT_NE(explanation.expected, "");
  EXPECT_NE(explanation.found, "");
}

std::string With(size_t field, const std::string& value) {
  return absl::StrReplaceAll(Line(),
                             {{absl::StrCat(",", field, ","), absl::StrCat(",", value, ",")}});
}

INSTANTIATE_TEST_SUITE_P(
    All, PatientsMalformed,
    ::testing::Values(
        Malformed{"Empty", "", "csv_header_wrong", "f.csv, line 1"},
        Malformed{"NoHeader", Line(), "csv_header_wrong", "f.csv, line 1"},
        Malformed{"OtherHeader", "2,31,malignant,benign\n", "csv_header_wrong", "f.csv, line 1"},
        Malformed{"NegativeCount", "-1,30,malignant,benign\n", "csv_header_wrong", "f.csv, line 1"},
        Malformed{"CutShort", absl::StrCat(kHeader, Line()), "csv_count_wrong", "f.csv"},
        Malformed{"TooLong", File(absl::StrCat(Line(), "\n", Line())), "csv_count_wrong", "f.csv"},
        Malformed{"BlankLine", File(absl::StrCat(Line(), "\n")), "csv_count_wrong", "f.csv"},
        Malformed{"FieldMissing", File("1,2,3,0"), "csv_fields_wrong", "f.csv, line 3"},
        Malformed{"FieldMore", File(absl::StrCat("0,", Line())), "csv_fields_wrong",
                  "f.csv, line 3"},
        Malformed{"Word", File(With(7, "seven")), "csv_measure_wrong", "f.csv, line 3, field 7"},
        Malformed{"Nothing", File(With(7, "")), "csv_measure_wrong", "f.csv, line 3, field 7"},
        Malformed{"Nan", File(With(7, "nan")), "csv_measure_wrong", "f.csv, line 3, field 7"},
        Malformed{"Infinite", File(With(7, "1e999")), "csv_measure_wrong",
                  "f.csv, line 3, field 7"},
        Malformed{"Negative", File(With(7, "-7")), "csv_measure_wrong", "f.csv, line 3, field 7"},
        Malformed{"Class", File(absl::StrCat(Line().substr(0, Line().size() - 1), "2")),
                  "csv_class_wrong", "f.csv, line 3, field 31"}),
    [](const auto& malformed) { return malformed.param.name; });

TEST(Patients, ControlCharactersDoNotReachTheTerminal) {
  const auto patients = ParsePatients("\x1b[2J\n", "f.csv");
  EXPECT_EQ(Explain(patients.status()).found, "'?[2J'");
}

TEST(Patients, AMissingFileIsNamed) {
  const auto patients = ReadPatients("/nowhere/f.csv");
  EXPECT_EQ(ErrorCode(patients.status()), "file_unusable");
  EXPECT_THAT(std::string(patients.status().message()), HasSubstr("/nowhere/f.csv"));
  EXPECT_EQ(ErrorCode(ReadPatients("/").status()), "file_unusable");
}

}  // namespace
}  // namespace sealfold::hospitals
