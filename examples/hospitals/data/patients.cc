#include "examples/hospitals/data/patients.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"

namespace sealfold::hospitals {
namespace {

constexpr size_t kFileBytesMax = 64 << 20;
constexpr char kClassNames[] = "malignant,benign";

std::string Header(absl::string_view patients) {
  return absl::StrCat(patients, ",", kMeasures, ",", kClassNames);
}

// What of a file's text is shown in an error: short, and nothing that a terminal would act upon.
std::string Shown(absl::string_view text) {
  constexpr size_t kShownMax = 40;
  std::string shown =
      absl::StrCat("'", text.substr(0, kShownMax), text.size() > kShownMax ? "..." : "", "'");
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return !absl::ascii_isprint(c); }, '?');
  return shown;
}

absl::StatusOr<size_t> ParseHeader(absl::string_view line, const std::string& name) {
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(line, absl::MaxSplits(',', 1));
  uint32_t patients = 0;
  if (!absl::SimpleAtoi(parts.first, &patients) || line != Header(parts.first)) {
    return BadInput({.code = "csv_header_wrong",
                     .what = absl::StrCat(name, ", line 1"),
                     .expected = absl::StrCat("'", Header("N"), "' with N the number of patients"),
                     .found = Shown(line),
                     .advice = "give a file like examples/hospitals/wdbc.csv"});
  }
  return patients;
}

absl::StatusOr<Patient> ParsePatient(absl::string_view line, const std::string& where) {
  const std::vector<absl::string_view> fields = absl::StrSplit(line, ',');
  if (fields.size() != kMeasures + 1) {
    return BadInput(
        {.code = "csv_fields_wrong",
         .what = where,
         .expected = absl::StrCat(kMeasures, " measures and a class, separated by commas"),
         .found = absl::StrCat(fields.size(), " fields")});
  }
  Patient patient;
  for (size_t i = 0; i < kMeasures; ++i) {
    double& measure = patient.measures[i];
    if (!absl::SimpleAtod(fields[i], &measure) || !std::isfinite(measure) || measure < 0) {
      return BadInput({.code = "csv_measure_wrong",
                       .what = absl::StrCat(where, ", field ", i + 1),
                       .expected = "a finite number that is not negative",
                       .found = Shown(fields[i])});
    }
  }
  if (fields.back() != "0" && fields.back() != "1") {
    return BadInput({.code = "csv_class_wrong",
                     .what = absl::StrCat(where, ", field ", kMeasures + 1),
                     .expected = "0 (malignant) or 1 (benign)",
                     .found = Shown(fields.back())});
  }
  patient.malignant = fields.back() == "0";
  patient.line = std::string(line);
  return patient;
}

}  // namespace

absl::StatusOr<std::vector<Patient>> ParsePatients(absl::string_view text,
                                                   const std::string& name) {
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  if (lines.back().empty()) {
    lines.pop_back();  // the last line may end with a newline
  }
  for (absl::string_view& line : lines) {
    line = absl::StripTrailingAsciiWhitespace(line);
  }
  SEALFOLD_ASSIGN_OR_RETURN(const size_t count,
                            ParseHeader(lines.empty() ? absl::string_view() : lines[0], name));
  if (lines.size() != count + 1) {
    return BadInput({.code = "csv_count_wrong",
                     .what = name,
                     .expected = absl::StrCat(count, " patients, as its first line says"),
                     .found = absl::StrCat(lines.size() - 1),
                     .advice = "the file may be cut short; copy it again"});
  }
  std::vector<Patient> patients;
  for (size_t i = 1; i < lines.size(); ++i) {
    SEALFOLD_ASSIGN_OR_RETURN(Patient patient,
                              ParsePatient(lines[i], absl::StrCat(name, ", line ", i + 1)));
    patients.push_back(std::move(patient));
  }
  return patients;
}

absl::StatusOr<std::vector<Patient>> ReadPatients(const std::string& path) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kFileBytesMax));
  return ParsePatients(text, path);
}

std::string PatientsCsv(absl::Span<const Patient> patients) {
  std::string csv = absl::StrCat(Header(absl::StrCat(patients.size())), "\n");
  for (const Patient& patient : patients) {
    absl::StrAppend(&csv, patient.line, "\n");
  }
  return csv;
}

size_t CountMalignant(absl::Span<const Patient> patients) {
  return static_cast<size_t>(std::count_if(patients.begin(), patients.end(),
                                           [](const Patient& p) { return p.malignant; }));
}

}  // namespace sealfold::hospitals
