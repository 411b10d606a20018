#include "attest/software/software_verifier.h"

#include "attest/claims_check.h"
#include "attest/nitro/aws_root.h"
#include "attest/x509/certificate.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

absl::Status BadRoot(absl::string_view code, absl::string_view found) {
  return BadInput(
      {.code = std::string(code),
       .what = "policy's root for platform sealfold-softnsm",
       .expected = "one P-384 CA certificate in PEM: root.pem of the sealfold-softnsm you run",
       .found = std::string(found)});
}

absl::StatusOr<Certificate> ReadRoot(absl::string_view root_pem) {
  if (root_pem.empty()) return BadRoot("policy_root_missing", "none");
  auto root = Certificate::FromPem(root_pem);
  if (!root.ok()) return BadRoot("policy_root_malformed", Explain(root.status()).found);
  absl::Status fit = root->CheckAlgorithms();
  if (fit.ok()) fit = root->CheckRoot();
  if (!fit.ok()) return BadRoot("policy_root_malformed", Explain(fit).found);
  // Never an honest choice: evidence of real machines would pass as a developer's.
  if (root->der() == AwsNitroRoot().der()) {
    return BadRoot("policy_root_unexpected", "the root of AWS Nitro");
  }
  return root;
}

}  // namespace

absl::Status SoftwareVerifier::CheckTrust(const EvidencePolicy& policy) const {
  SEALFOLD_RETURN_IF_ERROR(RefuseAttestationKeys(policy));
  return ReadRoot(policy.root_pem).status();
}

Verdict SoftwareVerifier::Verify(ByteSpan evidence, const EvidencePolicy& policy,
                                 const EvidenceExpectation& expectation, ChainCache* cache) const {
  Verdict verdict;
  verdict.caveat = std::string(kSoftwareCaveat);
  if (!CheckPlatform(platform(), policy, verdict)) return verdict;
  auto root = ReadRoot(policy.root_pem);
  if (!root.ok()) {
    Explanation explanation = Explain(root.status());
    verdict.checks.push_back(
        {.name = "policy", .expected = explanation.expected, .found = explanation.found});
    return verdict;
  }
  VerifyNitroDocument(evidence, {kNsmDocument, kNsmRegisterRules}, *root, policy, expectation,
                      cache, verdict);
  return verdict;
}

}  // namespace sealfold
