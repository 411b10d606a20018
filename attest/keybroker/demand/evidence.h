// Whether a document is what a key asks for.
#ifndef SEALFOLD_ATTEST_KEYBROKER_DEMAND_EVIDENCE_H_
#define SEALFOLD_ATTEST_KEYBROKER_DEMAND_EVIDENCE_H_

#include "attest/keybroker/demand/conditions.h"
#include "attest/keybroker/demand/trust.h"
#include "attest/verifier.h"

namespace sealfold {

// Of which kind a platform's evidence is.
EvidenceKind KindOf(absl::string_view platform);

// Whether this build can verify evidence of the platform under its root. InvalidArgument, code
// "policy_*".
absl::Status CheckTrustRecord(const TrustRecord& record);

// Whether a trusted platform's evidence could meet `demand`. InvalidArgument, codes
// "key_unreachable" and "policy_*".
absl::Status CheckReachable(const EvidenceDemand& demand, absl::Span<const TrustRecord> trust);

// The verdict under the trusted platform that the document gets furthest with, among those of the
// demanded kind. Without a demand, every trusted platform is tried and any program accepted. Costs
// as many verifications as there are platforms, less what `cache` (may be null) knows.
Verdict JudgeEvidence(ByteSpan document, const EvidenceDemand* demand,
                      absl::Span<const TrustRecord> trust, uint64_t now_ms, ChainCache* cache);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_DEMAND_EVIDENCE_H_
