#include "participant-client/policy/evidence_checks.h"

#include <algorithm>

#include "attest/release/rules.h"

namespace sealfold {

EvidenceJudgement CheckEvidence(ByteSpan evidence, const EvidencePolicy& policy,
                                const std::optional<Bytes>& release,
                                const EvidenceExpectation& expectation, ChainCache* chains,
                                CheckList& checks) {
  absl::Status why_not;
  EvidenceJudgement out{.verdict = {}, .accepted = WithRelease(policy, release, why_not)};
  out.verdict = VerifyEvidence(evidence, out.accepted, expectation, chains);
  const bool unknown =
      std::any_of(out.verdict.checks.begin(), out.verdict.checks.end(),
                  [](const Check& check) { return check.name == "registers" && !check.passed; });
  if (unknown && !why_not.ok()) {
    checks.Add("release_offered", "one that satisfies the policy's rules", why_not);
  }
  checks.Add(out.verdict);
  return out;
}

}  // namespace sealfold
