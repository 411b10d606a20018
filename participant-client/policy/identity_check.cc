#include <algorithm>

#include "absl/strings/str_cat.h"
#include "participant-client/policy/policy.h"

namespace sealfold {

void CheckIdentity(const std::optional<SigningPublicKey>& identity, const Policy& policy,
                   CheckList& checks) {
  const std::vector<SigningPublicKey>& accepted = policy.identities;
  std::string expected = "any, or none";
  if (accepted.size() == 1) expected = accepted.front().hex();
  if (accepted.size() > 1)
    expected = absl::StrCat("one of the policy's ", accepted.size(), " keys");
  checks.Add(
      {.name = "identity",
       .expected = std::move(expected),
       .found = identity.has_value() ? identity->hex() : "none",
       .passed = accepted.empty() || (identity.has_value() &&
                                      std::count(accepted.begin(), accepted.end(), *identity) > 0)},
      "identity_not_accepted",
      "an aggregator that lost its state began anew: accept its key, if that is why");
}

}  // namespace sealfold
