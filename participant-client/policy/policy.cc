#include "participant-client/policy/policy.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

absl::Status BadPolicy(std::string code, std::string what, std::string expected, std::string found,
                       std::string advice) {
  return BadInput({.code = std::move(code),
                   .what = std::move(what),
                   .expected = std::move(expected),
                   .found = std::move(found),
                   .advice = std::move(advice)});
}

}  // namespace

absl::Status CheckPolicy(const Policy& policy) {
  if (policy.coordinators.empty()) {
    return BadPolicy("policy_coordinators_empty", "policy's coordinators", "at least one key",
                     "none", "list the keys of those whose plans you accept");
  }
  for (const SigningPublicKey& key : policy.coordinators) {
    if (key.is_zero()) {
      return BadPolicy("policy_coordinator_zero", "policy's coordinators", "public keys",
                       "an all-zero key", "put the coordinator's public key there");
    }
  }
  for (const SigningPublicKey& key : policy.identities) {
    if (key.is_zero()) {
      return BadPolicy("policy_identity_zero", "policy's identities", "public keys",
                       "an all-zero key", "put there what `verify` shows of a record");
    }
  }
  const PlanRules& rules = policy.plan;
  if (rules.quorum_min < PlanRules::kQuorumMin) {
    return BadPolicy(
        "policy_quorum_min", "policy's quorum_min",
        absl::StrCat("at least ", PlanRules::kQuorumMin), absl::StrCat(rules.quorum_min),
        "with 2 updates in a sum each of the two can subtract its own and see the other's");
  }
  if (rules.range_max.has_value() && !(std::isfinite(*rules.range_max) && *rules.range_max > 0)) {
    return BadPolicy("policy_range_max", "policy's range_max", "a finite number above 0", "another",
                     "");
  }
  if (rules.attempts_max < 1) {
    return BadPolicy("policy_attempts_max", "policy's attempts_max", "at least 1", "0",
                     "with 0 nothing could ever be submitted");
  }
  if (rules.strategies.empty() || rules.deliveries.empty()) {
    return BadPolicy("policy_lists_empty", "policy's strategies and deliveries",
                     "at least one of each", "an empty list", "leave the list out for its default");
  }
  return CheckEvidencePolicy(policy.evidence);
}

}  // namespace sealfold
