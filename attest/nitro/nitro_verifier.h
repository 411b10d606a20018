// Verifies AWS Nitro Enclaves' attestation documents.
#ifndef SEALFOLD_ATTEST_NITRO_NITRO_VERIFIER_H_
#define SEALFOLD_ATTEST_NITRO_NITRO_VERIFIER_H_

#include "attest/verifier.h"
#include "attest/x509/certificate.h"

namespace sealfold {

inline constexpr absl::string_view kAwsNitroPlatform = "aws-nitro";

// A document against AWS's own root. Without state: safe for any number of threads.
class NitroVerifier final : public Verifier {
 public:
  absl::string_view platform() const override { return kAwsNitroPlatform; }
  // Refuses any: the root is built in.
  absl::Status CheckRoot(absl::string_view root_pem) const override;
  Verdict Verify(ByteSpan evidence, const EvidencePolicy& policy,
                 const EvidenceExpectation& expectation) const override;
};

// Makes every check from "format" on, of a document of this shape under `root`, and adds it to
// `verdict`. Costs one P-384 verification for each certificate but the root, and one for the
// document.
void VerifyNitroDocument(ByteSpan evidence, const Certificate& root, const EvidencePolicy& policy,
                         const EvidenceExpectation& expectation, Verdict& verdict);

// The check "platform": that the policy is for the platform `platform`. False if it is not.
bool CheckPlatform(absl::string_view platform, const EvidencePolicy& policy, Verdict& verdict);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_NITRO_NITRO_VERIFIER_H_
