// A key whose conditions only its signers can change: they are those of a release that k of n of
// them signed, and only a later one takes its place (attest/release/).
#ifndef SEALFOLD_ATTEST_KEYBROKER_DEMAND_KEY_RELEASES_H_
#define SEALFOLD_ATTEST_KEYBROKER_DEMAND_KEY_RELEASES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "attest/keybroker/demand/conditions.h"
#include "attest/release/rules.h"

namespace sealfold {

struct KeyReleases {
  std::string platform = {};  // whose values are the conditions
  std::string subject = {};
  std::vector<SigningPublicKey> signers = {};
  uint64_t k = 0;
  std::optional<SigningPublicKey> log_key = {};  // set: only releases in the log that it signs
  uint64_t version = 0;                          // of the release in force; 0: none yet

  template <class V>
  void Fields(V& v) {
    v("platform", platform);
    v("subject", subject);
    v("signers", signers);
    v("k", k);
    v("log_key", log_key);
    v("version", version);
  }
};

// InvalidArgument, codes "policy_release_*".
absl::Status CheckKeyReleases(const KeyReleases& releases);

// The conditions that `release` brings, once it is shown to be one of theirs and later than the one
// in force. Requires: CheckKeyReleases passes. PermissionDenied, codes "release_*" and those of
// CheckRelease.
absl::StatusOr<std::vector<Condition>> ConditionsBy(const KeyReleases& releases,
                                                    const Release& release);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_DEMAND_KEY_RELEASES_H_
