// Patients of the Breast Cancer Wisconsin (Diagnostic) set, and their csv files.
//
// One format for the whole set, a hospital's part of it and the test set. First line: number of
// patients, number of measures, name of class 0, name of class 1. Then a line per patient: 30
// measures and the class, 0 malignant or 1 benign.
#ifndef SEALFOLD_EXAMPLES_HOSPITALS_DATA_PATIENTS_H_
#define SEALFOLD_EXAMPLES_HOSPITALS_DATA_PATIENTS_H_

#include <array>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sealfold::hospitals {

inline constexpr size_t kMeasures = 30;

struct Patient {
  std::array<double, kMeasures> measures;  // in the units and the order of data/scaling.cc's table
  bool malignant = false;
  std::string line;  // as it was in the file, so that a copy keeps every digit
};

// Refused, naming `name` and the line: a header that is not the set's, another count of lines than
// the header says, a line without 31 fields, a measure that is not a finite number >= 0, a class
// other than 0 and 1.
absl::StatusOr<std::vector<Patient>> ParsePatients(absl::string_view text, const std::string& name);

absl::StatusOr<std::vector<Patient>> ReadPatients(const std::string& path);

// The text of a file with these patients.
std::string PatientsCsv(absl::Span<const Patient> patients);

size_t CountMalignant(absl::Span<const Patient> patients);

}  // namespace sealfold::hospitals

#endif  // SEALFOLD_EXAMPLES_HOSPITALS_DATA_PATIENTS_H_
