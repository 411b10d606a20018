// Evidence against a policy, with the release that came beside it.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_POLICY_EVIDENCE_CHECKS_H_
#define SEALFOLD_PARTICIPANT_CLIENT_POLICY_EVIDENCE_CHECKS_H_

#include <optional>

#include "attest/verifier.h"
#include "participant-client/policy/check_list.h"

namespace sealfold {

struct EvidenceJudgement {
  Verdict verdict;
  EvidencePolicy accepted;  // with the release's values, where it satisfies the policy's rules
};

// Adds the evidence's checks. Before them "release_offered" where there is a release that the
// policy's rules refuse and nothing else accepts the registers: why. A host may say anything of
// releases; it counts for what its signers signed, and otherwise for nothing.
EvidenceJudgement CheckEvidence(ByteSpan evidence, const EvidencePolicy& policy,
                                const std::optional<Bytes>& release,
                                const EvidenceExpectation& expectation, ChainCache* chains,
                                CheckList& checks);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_POLICY_EVIDENCE_CHECKS_H_
