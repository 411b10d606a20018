// Which releases a policy accepts: by whom, how new, and whether published.
#ifndef SEALFOLD_ATTEST_RELEASE_RULES_H_
#define SEALFOLD_ATTEST_RELEASE_RULES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "attest/release/release.h"
#include "attest/verifier.h"

namespace sealfold {

struct ReleaseRules {
  std::string subject = {};
  std::vector<SigningPublicKey> signers = {};
  uint64_t k = 0;                                // so many of them must have signed
  uint64_t version_min = 1;                      // releases before are not accepted
  std::optional<SigningPublicKey> log_key = {};  // set: only releases in the log that it signs
};

// Refuses rules that would accept too much or nothing. InvalidArgument:
//   policy_release_signers   none, an all-zero key, one twice: k of them would be fewer
//   policy_release_k         0, or more than there are signers
//   policy_release_subject   none
absl::Status CheckReleaseRules(const ReleaseRules& rules);

// Whether `release` satisfies `rules`, which CheckReleaseRules passes. PermissionDenied:
//   release_subject    of another program
//   release_signers    fewer than k of the policy's signers
//   release_version    older than version_min
//   and those of CheckLogged.
absl::Status CheckRelease(const Release& release, const ReleaseRules& rules);

// The release's reference values on `platform`, a set for each bank: evidence is in one of them.
// release_version says whose they are. A set of a bank that no evidence is in, by its values'
// length, is passed over: no policy may name it. PermissionDenied, "release_platform", where none
// is left.
absl::StatusOr<std::vector<ReferenceValues>> ReleaseValues(const Release& release,
                                                           absl::string_view platform);

// `policy`, and with it the values of `file`, a release that came beside evidence from whomever,
// where it satisfies policy.releases. `why_not`: OK, or an error of the three above, of
// OpenRelease, or of CheckEvidencePolicy for values that no policy may name, and then it is
// `policy` alone; OK too where the policy accepts no releases.
EvidencePolicy WithRelease(const EvidencePolicy& policy, const std::optional<Bytes>& file,
                           absl::Status& why_not);

// The version of the release whose values these registers match wholly, the latest of several; 0
// where they match values that a person wrote down, or none.
uint64_t MatchedRelease(const EvidencePolicy& policy, const std::map<uint32_t, Bytes>& registers);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_RELEASE_RULES_H_
