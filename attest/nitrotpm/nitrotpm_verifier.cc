#include "attest/nitrotpm/nitrotpm_verifier.h"

#include "attest/nitro/aws_root.h"
#include "attest/nitro/nitro_verifier.h"

namespace sealfold {

absl::Status NitroTpmVerifier::CheckRoot(absl::string_view root_pem) const {
  return RefuseRoot(platform(), root_pem);
}

Verdict NitroTpmVerifier::Verify(ByteSpan evidence, const EvidencePolicy& policy,
                                 const EvidenceExpectation& expectation) const {
  Verdict verdict;
  if (CheckPlatform(platform(), policy, verdict)) {
    VerifyNitroDocument(evidence, {kNitroTpmDocument, kNitroTpmRegisterRules}, AwsNitroRoot(),
                        policy, expectation, verdict);
  }
  return verdict;
}

}  // namespace sealfold
