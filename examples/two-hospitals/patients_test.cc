#include "examples/two-hospitals/patients.h"

#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold::two_hospitals {
namespace {

// A patient whose measures are first, first + 1 and on.
std::string Line(int first, const std::string& group) {
  std::string line;
  for (size_t i = 0; i < kMeasures; ++i) absl::StrAppend(&line, first + static_cast<int>(i), ",");
  return line + group;
}

std::string Csv(const std::vector<std::string>& lines) {
  std::string csv = absl::StrCat(lines.size(), ",30,malignant,benign\n");
  for (const std::string& line : lines) absl::StrAppend(&csv, line, "\n");
  return csv;
}

TEST(PatientsTest, EachIsAddedToItsGroup) {
  const absl::StatusOr<Groups> groups =
      ReadGroups(Csv({Line(10, "0"), Line(20, "1"), Line(30, "1")}), "north");
  ASSERT_TRUE(groups.ok()) << groups.status();
  EXPECT_EQ((*groups)[0].patients(), 1U);
  EXPECT_EQ((*groups)[0].mean(3), 13);
  EXPECT_EQ((*groups)[1].patients(), 2U);
  EXPECT_EQ((*groups)[1].mean(29), 54);
  EXPECT_EQ((*groups)[1].variance(0), 50);
  EXPECT_EQ((*groups)[1].comoment(0, 29), 50);
}

// Errors go to the host.
TEST(PatientsTest, ErrorsNameTheLineAndNothingOfIt) {
  const auto error = [](const std::string& csv) {
    const absl::Status status = ReadGroups(csv, "north").status();
    EXPECT_FALSE(absl::StrContains(status.message(), "777")) << status;
    return ErrorCode(status);
  };
  EXPECT_EQ(error(""), "csv_header_wrong");
  EXPECT_EQ(error("777"), "csv_header_wrong");
  EXPECT_EQ(error("1,31,malignant,benign\n" + Line(1, "0")), "csv_header_wrong");
  EXPECT_EQ(error("2,30,malignant,benign\n" + Line(777, "0") + "\n"), "csv_count_wrong");
  EXPECT_EQ(error("1,30,malignant,benign\n" + Line(1, "0") + "\n" + Line(777, "0")),
            "csv_count_wrong");
  EXPECT_EQ(error(Csv({Line(1, "0"), "x777," + Line(777, "0")})), "csv_measure_wrong");
  EXPECT_EQ(error(Csv({"-777," + Line(777, "0")})), "csv_measure_wrong");
  EXPECT_EQ(error(Csv({"nan," + Line(777, "0")})), "csv_measure_wrong");
  EXPECT_EQ(error(Csv({Line(1, "777")})), "csv_class_wrong");
  EXPECT_EQ(error(Csv({"777,0"})), "csv_measure_wrong");
}

}  // namespace
}  // namespace sealfold::two_hospitals
