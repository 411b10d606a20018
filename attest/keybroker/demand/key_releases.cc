#include "attest/keybroker/demand/key_releases.h"

#include "absl/strings/str_cat.h"
#include "attest/keybroker/demand/evidence.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

ReleaseRules RulesOf(const KeyReleases& releases) {
  return {.subject = releases.subject,
          .signers = releases.signers,
          .k = releases.k,
          .log_key = releases.log_key};
}

}  // namespace

absl::Status CheckKeyReleases(const KeyReleases& releases) {
  return CheckReleaseRules(RulesOf(releases));
}

absl::StatusOr<std::vector<Condition>> ConditionsBy(const KeyReleases& releases,
                                                    const Release& release) {
  SEALFOLD_RETURN_IF_ERROR(CheckRelease(release, RulesOf(releases)));
  if (release.statement.version <= releases.version) {
    return Refused({.code = "release_version",
                    .what = "release, version",
                    .expected = absl::StrCat("one after ", releases.version),
                    .found = absl::StrCat(release.statement.version),
                    .advice = "a key never goes back to an earlier program"});
  }
  SEALFOLD_ASSIGN_OR_RETURN(const std::vector<ReferenceValues> values,
                            ReleaseValues(release, releases.platform));
  if (values.size() > 1) {
    return Refused({.code = "release_banks",
                    .what = absl::StrCat("release, values for ", releases.platform),
                    .expected = "one bank: its documents have one",
                    .found = absl::StrCat(values.size()),
                    .advice = "ask its builders for a release in SHA-384 alone"});
  }
  return ConditionsFor(KindOf(releases.platform), values.front().registers);
}

}  // namespace sealfold
