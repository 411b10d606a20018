#include "absl/strings/str_cat.h"
#include "attest/nitro/nitro_verifier.h"
#include "attest/nitrotpm/nitrotpm_verifier.h"
#include "attest/platform_names.h"
#include "attest/tpm/tpm_verifier.h"
#include "attest/verifier.h"
#include "protocol/base/error.h"
#ifdef SEALFOLD_SOFTWARE_PLATFORM
#include "attest/software/software_verifier.h"
#endif

namespace sealfold {
namespace {

absl::Span<const Verifier* const> Verifiers() {
  static const NitroVerifier kNitro;
  static const NitroTpmVerifier kNitroTpm;
  static const TpmVerifier kTpm;
#ifdef SEALFOLD_SOFTWARE_PLATFORM
  static const SoftwareVerifier kSoftware;
  static const Verifier* const kAll[] = {&kNitro, &kNitroTpm, &kTpm, &kSoftware};
#else
  static const Verifier* const kAll[] = {&kNitro, &kNitroTpm, &kTpm};
#endif
  return kAll;
}

}  // namespace

const Verifier* FindVerifier(absl::string_view platform) {
  for (const Verifier* verifier : Verifiers()) {
    if (verifier->platform() == platform) return verifier;
  }
  return nullptr;
}

std::string PlatformNames() {
  std::string names;
  for (const Verifier* each : Verifiers()) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", each->platform());
  }
  return names;
}

Verdict VerifyEvidence(ByteSpan evidence, const EvidencePolicy& policy,
                       const EvidenceExpectation& expectation, ChainCache* cache) {
  const Verifier* verifier = FindVerifier(policy.platform);
  Verdict verdict;
  if (verifier == nullptr) {
    verdict.checks.push_back(
        {.name = "platform",
         .expected = absl::StrCat("a platform of this build: ", PlatformNames()),
         .found = absl::StrCat("'", policy.platform.substr(0, 40), "'")});
    return verdict;
  }
  if (absl::Status status = CheckEvidencePolicy(policy); !status.ok()) {
    Explanation explanation = Explain(status);
    verdict.checks.push_back(
        {.name = "policy",
         .expected = absl::StrCat(explanation.what, ": ", explanation.expected),
         .found = explanation.found});
    return verdict;
  }
  return verifier->Verify(evidence, policy, expectation, cache);
}

}  // namespace sealfold
