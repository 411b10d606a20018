// The hospital's policy: the last word on whom it trusts and what it takes part in.
//
// Written as JSON (policy.schema.json); what it leaves out has the defaults below. A policy that
// would accept too much is refused when loaded, not when it would have mattered.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_POLICY_POLICY_H_
#define SEALFOLD_PARTICIPANT_CLIENT_POLICY_POLICY_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "attest/policy/evidence_policy_json.h"
#include "attest/verifier.h"
#include "participant-client/policy/check_list.h"
#include "protocol/plan/plan.h"

namespace sealfold {

// What a plan must promise before this participant takes part in it.
struct PlanRules {
  static constexpr uint64_t kQuorumMin =
      3;  // with 2 each party could subtract its own update from the sum

  uint64_t quorum_min = kQuorumMin;  // at least kQuorumMin
  std::optional<double> range_max;
  std::optional<Weight> weight_max;
  std::optional<uint64_t> participants_min;
  uint64_t rounds_max = 1000;
  std::vector<Strategy> strategies = {Strategy::kFedAvg};
  std::vector<Delivery> deliveries = {Delivery::kPublic, Delivery::kSealed};
  // The highest attempt of a round that an update goes into: two sums over differing sets of
  // participants would let a host subtract them, so each restart costs some of what this bounds.
  uint64_t attempts_max = 2;
};

struct Policy {
  std::vector<SigningPublicKey> coordinators;  // whose plans are accepted; never empty
  EvidencePolicy evidence;
  PlanRules plan;
  // Which aggregators are accepted, of those that the evidence is of (envelope/identity.h); empty:
  // all of them, those without an identity too.
  std::vector<SigningPublicKey> identities = {};
};

// The bounds above and CheckEvidencePolicy. InvalidArgument, codes "policy_*".
absl::Status CheckPolicy(const Policy& policy);

// A policy's JSON, checked by schema and by CheckPolicy. InvalidArgument explaining the place in
// `source`.
absl::StatusOr<Policy> ParsePolicy(absl::string_view json, absl::string_view source,
                                   const ReadPolicyFile& read_file);
absl::StatusOr<Policy> LoadPolicy(const std::string& path);

// Whether a plan is one this policy takes part in: each rule a check named "plan_*". With
// `participant` also that the plan names it. The plan's signature was checked when it was opened.
CheckList CheckPlanAgainstPolicy(const SignedPlan& plan, const Policy& policy,
                                 const std::optional<SigningPublicKey>& participant);

// Adds the check "identity" of an aggregator whose claim holds, or, with none, who claims nothing:
// one of policy.identities, if there are any. Failure "identity_not_accepted".
void CheckIdentity(const std::optional<SigningPublicKey>& identity, const Policy& policy,
                   CheckList& checks);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_POLICY_POLICY_H_
