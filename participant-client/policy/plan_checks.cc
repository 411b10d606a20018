// A plan against the policy.
#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "participant-client/policy/policy.h"

namespace sealfold {
namespace {

template <typename E>
const char* NameOf(E value) {
  return CborEnumNames(value)[static_cast<size_t>(value)];
}

// A check that `value` is one of `accepted`.
template <typename E>
Check OneOf(absl::string_view name, E value, const std::vector<E>& accepted) {
  std::vector<std::string> names;
  for (E e : accepted) names.emplace_back(NameOf(e));
  return {.name = std::string(name),
          .expected = absl::StrJoin(names, " or "),
          .found = NameOf(value),
          .passed = std::count(accepted.begin(), accepted.end(), value) > 0};
}

template <typename T>
Check AtLeast(absl::string_view name, T value, T low) {
  return {.name = std::string(name),
          .expected = absl::StrCat("at least ", low),
          .found = absl::StrCat(value),
          .passed = value >= low};
}

template <typename T>
Check AtMost(absl::string_view name, T value, T high) {
  return {.name = std::string(name),
          .expected = absl::StrCat("at most ", high),
          .found = absl::StrCat(value),
          .passed = value <= high};
}

constexpr char kWeaker[] =
    "the plan promises less than this policy asks for: agree on another plan, or change the policy "
    "knowingly";

}  // namespace

CheckList CheckPlanAgainstPolicy(const SignedPlan& signed_plan, const Policy& policy,
                                 const std::optional<SigningPublicKey>& participant) {
  const Plan& plan = signed_plan.plan;
  const PlanRules& rules = policy.plan;
  CheckList checks;
  checks.Add(
      {.name = "plan_coordinator",
       .expected = policy.coordinators.size() == 1
                       ? policy.coordinators.front().hex()
                       : absl::StrCat("one of the policy's ", policy.coordinators.size(), " keys"),
       .found = signed_plan.coordinator.hex(),
       .passed = std::count(policy.coordinators.begin(), policy.coordinators.end(),
                            signed_plan.coordinator) > 0},
      "", "the plan is signed by someone whom the policy does not name");
  checks.Add(AtLeast("plan_quorum", plan.quorum, rules.quorum_min), "", kWeaker);
  if (rules.participants_min.has_value()) {
    checks.Add(
        AtLeast("plan_participants", uint64_t{plan.participants.size()}, *rules.participants_min),
        "", kWeaker);
  }
  if (rules.range_max.has_value()) {
    checks.Add(AtMost("plan_range", plan.range, *rules.range_max), "", kWeaker);
  }
  if (rules.weight_max.has_value()) {
    checks.Add(AtMost("plan_weight_max", plan.weight_max.value(), rules.weight_max->value()), "",
               kWeaker);
  }
  checks.Add(AtMost("plan_rounds", plan.rounds, rules.rounds_max), "", kWeaker);
  checks.Add(OneOf("plan_strategy", plan.strategy, rules.strategies), "", kWeaker);
  checks.Add(OneOf("plan_delivery", plan.delivery, rules.deliveries), "", kWeaker);
  if (participant.has_value()) {
    checks.Add({.name = "plan_participant",
                .expected = participant->hex(),
                .found = plan.IndexOf(*participant).has_value() ? "in the plan" : "not in the plan",
                .passed = plan.IndexOf(*participant).has_value()},
               "", "give your public key file to the coordinator, who puts it into the plan");
  }
  return checks;
}

}  // namespace sealfold
