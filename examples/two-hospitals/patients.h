// One hospital's patients, read where they were decrypted.
#ifndef SEALFOLD_EXAMPLES_TWO_HOSPITALS_PATIENTS_H_
#define SEALFOLD_EXAMPLES_TWO_HOSPITALS_PATIENTS_H_

#include <array>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "examples/two-hospitals/moments.h"

namespace sealfold::two_hospitals {

inline constexpr size_t kGroups = 2;
extern const char* const kGroupNames[kGroups];      // the class in the file: 0 malignant, 1 benign
extern const char* const kMeasureNames[kMeasures];  // in the file's order

using Groups = std::array<Moments, kGroups>;

// The file's format is that of examples/hospitals. InvalidArgument, codes "csv_*", with the line
// and nothing of what is in it: the error goes to the host.
absl::StatusOr<Groups> ReadGroups(absl::string_view csv, const std::string& hospital);

}  // namespace sealfold::two_hospitals

#endif  // SEALFOLD_EXAMPLES_TWO_HOSPITALS_PATIENTS_H_
