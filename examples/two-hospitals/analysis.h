// What two-hospitals-analysis does: gets each hospital's key, opens the data, publishes statistics.
#ifndef SEALFOLD_EXAMPLES_TWO_HOSPITALS_ANALYSIS_H_
#define SEALFOLD_EXAMPLES_TWO_HOSPITALS_ANALYSIS_H_

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "attest/attester.h"
#include "protocol/program/program.h"

namespace sealfold::two_hospitals {

// What a hospital handed to the host: a folder with data.sealed, tls.pem (its key service's
// certificate) and access.json (a caller's access key), and where the service listens.
using HandedOver = std::pair<std::string, std::string>;  // folder, HOST:PORT

struct AnalysisOptions {
  std::string agreement_path = {};
  std::vector<HandedOver> hospitals = {};
  std::string out_path = {};
  std::string evidence_path = {};  // empty: none
};

// PermissionDenied: "owner_unknown", "owner_missing", "terms_other", "key_refused", "seal_broken",
// "groups_too_small". Nothing is written then.
absl::Status Analyse(const AnalysisOptions& options, Attester& attester, const Output& output);

}  // namespace sealfold::two_hospitals

#endif  // SEALFOLD_EXAMPLES_TWO_HOSPITALS_ANALYSIS_H_
