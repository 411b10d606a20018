// The data set, for tests.
#ifndef SEALFOLD_EXAMPLES_HOSPITALS_DATA_TEST_DATA_H_
#define SEALFOLD_EXAMPLES_HOSPITALS_DATA_TEST_DATA_H_

#include <vector>

#include "examples/hospitals/data/patients.h"
#include "examples/hospitals/data/split.h"
#include "protocol/base/error.h"

namespace sealfold::hospitals {

inline std::vector<Patient> AllPatients() {
  absl::StatusOr<std::vector<Patient>> patients = ReadPatients(SEALFOLD_HOSPITALS_DATA);
  SEALFOLD_CHECK(patients.ok());
  return *std::move(patients);
}

inline Split SplitOfSeed(uint64_t seed) {
  absl::StatusOr<Split> split = SplitPatients(AllPatients(), {.seed = seed});
  SEALFOLD_CHECK(split.ok());
  return *std::move(split);
}

}  // namespace sealfold::hospitals

#endif  // SEALFOLD_EXAMPLES_HOSPITALS_DATA_TEST_DATA_H_
