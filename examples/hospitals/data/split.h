// The set divided as a study over three hospitals would find it: a common test set, and hospitals
// that differ in size and in how many of their patients have a malignant tumour.
#ifndef SEALFOLD_EXAMPLES_HOSPITALS_DATA_SPLIT_H_
#define SEALFOLD_EXAMPLES_HOSPITALS_DATA_SPLIT_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "examples/hospitals/data/patients.h"

namespace sealfold::hospitals {

inline constexpr size_t kHospitals = 3;
inline constexpr std::array<const char*, kHospitals> kHospitalNames = {"north", "south", "west"};
inline constexpr std::array<uint64_t, kHospitals> kSizePercents = {55, 30, 15};
inline constexpr uint64_t kTestPercent = 20;  // of each class
// Every hospital has at least so many patients of either class: none is without a task to learn.
inline constexpr uint64_t kClassPatientsMin = 5;

struct SplitOptions {
  uint64_t seed = 1;
  // Of the Dirichlet distribution that each hospital's part of the malignant patients is drawn
  // from, times its part of all patients: small is uneven, large tends to equal shares. 1 to
  // kConcentrationMax.
  uint64_t concentration = 2;
};
inline constexpr uint64_t kConcentrationMax = 1'000'000;

// Every patient of the input is in exactly one of these, in the input's order.
struct Split {
  std::vector<Patient> test;
  std::array<std::vector<Patient>, kHospitals> hospitals;
};

// Depends on the input's order and the options only, bit for bit on every machine. BadInput
// ("patients_too_few") if kClassPatientsMin cannot be kept, or no patient of a class would be left
// for the test.
absl::StatusOr<Split> SplitPatients(absl::Span<const Patient> patients,
                                    const SplitOptions& options);

}  // namespace sealfold::hospitals

#endif  // SEALFOLD_EXAMPLES_HOSPITALS_DATA_SPLIT_H_
