// Policies as people write them: whatever is taken is fit to be used, and names what it accepts.
#include <cstddef>
#include <cstdint>

#include "participant-client/policy/policy.h"
#include "protocol/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using sealfold::PlanRules;
  // The root is looked at by attest/: here it is whatever the platform takes or not.
  const absl::StatusOr<sealfold::Policy> policy = sealfold::ParsePolicy(
      sealfold::AsText(sealfold::ByteSpan(data, size)), "policy",
      [](const std::string& path) -> absl::StatusOr<std::string> { return path; });
  if (!policy.ok()) {
    // PermissionDenied: a release whose signatures do not hold.
    SEALFOLD_CHECK(policy.status().code() == absl::StatusCode::kInvalidArgument ||
                   policy.status().code() == absl::StatusCode::kPermissionDenied);
    return 0;
  }
  SEALFOLD_CHECK(sealfold::CheckPolicy(*policy).ok());
  SEALFOLD_CHECK(policy->plan.quorum_min >= PlanRules::kQuorumMin);
  SEALFOLD_CHECK(!policy->coordinators.empty() && !policy->evidence.reference_values.empty());
  return 0;
}
