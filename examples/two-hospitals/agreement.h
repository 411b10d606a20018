// What two hospitals agree upon before either encrypts its data: the terms that both data sets and
// their keys are bound to.
#ifndef SEALFOLD_EXAMPLES_TWO_HOSPITALS_AGREEMENT_H_
#define SEALFOLD_EXAMPLES_TWO_HOSPITALS_AGREEMENT_H_

#include <array>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "protocol/base/types.h"

namespace sealfold::two_hospitals {

struct Hospital {
  std::string name;
  SigningPublicKey key;  // signs its data set
};

struct Agreement {
  std::array<Hospital, 2> hospitals = {};
  uint64_t smallest_group = 0;
  std::vector<size_t> measures = {};  // indices into kMeasureNames, each once
  Digest digest = {};                 // of the file's bytes: the terms of the data sets
};

// InvalidArgument: as LoadJson by agreement.schema.json, "hex_invalid", "hospital_doubled",
// "measure_unknown", "measure_doubled".
absl::StatusOr<Agreement> ParseAgreement(absl::string_view text, absl::string_view source);

}  // namespace sealfold::two_hospitals

#endif  // SEALFOLD_EXAMPLES_TWO_HOSPITALS_AGREEMENT_H_
