#include "attest/nitrotpm/nitrotpm_verifier.h"

#include "attest/claims_check.h"
#include "attest/nitro/aws_root.h"
#include "attest/nitro/nitro_verifier.h"

namespace sealfold {

absl::Status NitroTpmVerifier::CheckTrust(const EvidencePolicy& policy) const {
  return CheckAwsTrust(platform(), policy);
}

Verdict NitroTpmVerifier::Verify(ByteSpan evidence, const EvidencePolicy& policy,
                                 const EvidenceExpectation& expectation, ChainCache* cache) const {
  Verdict verdict;
  if (CheckPlatform(platform(), policy, verdict)) {
    VerifyNitroDocument(evidence, {kNitroTpmDocument, kNitroTpmRegisterRules}, AwsNitroRoot(),
                        policy, expectation, cache, verdict);
  }
  return verdict;
}

}  // namespace sealfold
