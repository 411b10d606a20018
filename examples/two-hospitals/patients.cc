#include "examples/two-hospitals/patients.h"

#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold::two_hospitals {

const char* const kGroupNames[kGroups] = {"malignant", "benign"};

const char* const kMeasureNames[kMeasures] = {"mean radius",         "mean texture",
                                              "mean perimeter",      "mean area",
                                              "mean smoothness",     "mean compactness",
                                              "mean concavity",      "mean concave points",
                                              "mean symmetry",       "mean fractal dimension",
                                              "error of radius",     "error of texture",
                                              "error of perimeter",  "error of area",
                                              "error of smoothness", "error of compactness",
                                              "error of concavity",  "error of concave points",
                                              "error of symmetry",   "error of fractal dimension",
                                              "worst radius",        "worst texture",
                                              "worst perimeter",     "worst area",
                                              "worst smoothness",    "worst compactness",
                                              "worst concavity",     "worst concave points",
                                              "worst symmetry",      "worst fractal dimension"};

namespace {

absl::Status CsvError(absl::string_view code, const std::string& hospital, uint64_t line,
                      absl::string_view expected, absl::string_view found) {
  return BadInput({.code = std::string(code),
                   .what = absl::StrCat("data of ", hospital, ", line ", line),
                   .expected = std::string(expected),
                   .found = std::string(found)});
}

// The text up to the next `end`, taken off `rest`; all of it where there is none.
absl::string_view TakeTo(char end, absl::string_view& rest) {
  const size_t at = rest.find(end);
  const absl::string_view taken = rest.substr(0, at);
  rest.remove_prefix(at == absl::string_view::npos ? rest.size() : at + 1);
  return taken;
}

// A patient's measures, wiped when they go.
struct Patient {
  std::array<double, kMeasures> measures{};
  Patient() = default;
  Patient(const Patient&) = delete;
  Patient& operator=(const Patient&) = delete;
  ~Patient() {
    Wipe(MutableByteSpan(reinterpret_cast<uint8_t*>(measures.data()), sizeof(measures)));
  }
};

absl::Status AddPatient(absl::string_view text, const std::string& hospital, uint64_t line,
                        Groups& groups) {
  Patient patient;
  absl::string_view rest = text;
  for (size_t i = 0; i < kMeasures; ++i) {
    double& measure = patient.measures[i];
    if (!absl::SimpleAtod(TakeTo(',', rest), &measure) || !std::isfinite(measure) || measure < 0) {
      return CsvError("csv_measure_wrong", hospital, line,
                      absl::StrCat("field ", i + 1, ": a finite number that is not negative"),
                      "another text");
    }
  }
  if (rest != "0" && rest != "1") {
    return CsvError("csv_class_wrong", hospital, line, "a last field 0 (malignant) or 1 (benign)",
                    "another text");
  }
  groups[rest == "1"].Add(patient.measures);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Groups> ReadGroups(absl::string_view csv, const std::string& hospital) {
  absl::string_view rest = csv;
  absl::string_view head = absl::StripTrailingAsciiWhitespace(TakeTo('\n', rest));
  uint32_t patients = 0;
  const absl::string_view count = TakeTo(',', head);
  if (!absl::SimpleAtoi(count, &patients) || head != "30,malignant,benign") {
    return CsvError("csv_header_wrong", hospital, 1, "'N,30,malignant,benign'", "another text");
  }
  Groups groups;
  for (uint32_t i = 0; i < patients; ++i) {
    if (rest.empty()) {
      return CsvError("csv_count_wrong", hospital, 1, absl::StrCat(patients, " patients"),
                      absl::StrCat(i));
    }
    SEALFOLD_RETURN_IF_ERROR(AddPatient(absl::StripTrailingAsciiWhitespace(TakeTo('\n', rest)),
                                        hospital, i + 2, groups));
  }
  if (rest.empty()) return groups;
  return CsvError("csv_count_wrong", hospital, 1, absl::StrCat(patients, " patients"), "more");
}

}  // namespace sealfold::two_hospitals
