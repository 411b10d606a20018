// An evidence policy as people write it: the member "evidence" of a policy, checked by
// evidence.schema.json.
#ifndef SEALFOLD_ATTEST_POLICY_EVIDENCE_POLICY_JSON_H_
#define SEALFOLD_ATTEST_POLICY_EVIDENCE_POLICY_JSON_H_

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "attest/verifier.h"

namespace sealfold {

// Reads a file that a policy names by a path relative to itself.
using ReadPolicyFile = std::function<absl::StatusOr<std::string>(const std::string& path)>;
// Files in the folder of the policy at `policy_path`.
ReadPolicyFile PolicyFilesBeside(const std::string& policy_path);

// The schema's "definitions", for a schema that has evidence in it: "#/definitions/evidence".
nlohmann::json EvidenceDefinitions();

// Of JSON that satisfies the definition "evidence". The values of the signed releases that it names
// become reference values, once each release satisfies the policy's rules. InvalidArgument,
// "field_invalid", and what `read_file`, CheckReleaseRules, OpenRelease and CheckRelease say; not
// CheckEvidencePolicy, which is the caller's to ask.
absl::StatusOr<EvidencePolicy> ReadEvidencePolicy(const nlohmann::json& evidence,
                                                  const ReadPolicyFile& read_file);

// The text of an evidence policy, or of a participant's policy, of which only the evidence is
// looked at. Checked by schema and by CheckEvidencePolicy.
absl::StatusOr<EvidencePolicy> ParseEvidencePolicy(absl::string_view text, absl::string_view source,
                                                   const ReadPolicyFile& read_file);
absl::StatusOr<EvidencePolicy> LoadEvidencePolicy(const std::string& path);

// The text of an evidence policy that ParseEvidencePolicy reads as `policy`, for people to go on
// with. Requires: CheckEvidencePolicy passes it, and it has no revocation lists, which are files.
std::string WriteEvidencePolicy(const EvidencePolicy& policy);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_POLICY_EVIDENCE_POLICY_JSON_H_
