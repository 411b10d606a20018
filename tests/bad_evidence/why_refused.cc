#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "attest/claims_check.h"
#include "attest/nitro/nitro_verifier.h"
#include "attest/nitrotpm/nitrotpm_verifier.h"
#include "attest/testing/forge/forge.h"
#include "attest/tpm/tpm_evidence.h"
#include "attest/x509/chain_cache.h"
#include "protocol/base/error.h"
#include "tests/bad_evidence/bad_evidence.h"

namespace sealfold {
namespace {

// AWS's own root has no key here: the documents are judged under the policy's.
Verdict VerifyNitroTpm(ByteSpan evidence, const EvidencePolicy& policy, ChainCache* cache) {
  Verdict verdict;
  VerifyNitroDocument(evidence, {kNitroTpmDocument, kNitroTpmRegisterRules},
                      Certificate::FromPem(policy.root_pem).value(), policy, ForgeExpectation(),
                      cache, verdict);
  return verdict;
}

absl::Status ParseStatus(ByteSpan evidence, absl::string_view platform) {
  if (platform == "tpm2") return ParseTpmEvidence(evidence).status();
  return ParseNitroDocument(evidence,
                            platform == kAwsNitroTpmPlatform ? kNitroTpmDocument : kNsmDocument)
      .status();
}

std::string WhyRefusedWith(ByteSpan evidence, const EvidencePolicy& policy, ChainCache* cache) {
  const Verdict verdict = policy.platform == kAwsNitroTpmPlatform
                              ? VerifyNitroTpm(evidence, policy, cache)
                              : VerifyEvidence(evidence, policy, ForgeExpectation(), cache);
  const absl::Status parsed = ParseStatus(evidence, policy.platform);
  if (verdict.passed() && parsed.ok()) return "";
  for (const Check& check : verdict.checks) {
    if (check.passed) continue;
    if (check.name != "format" || parsed.ok()) {
      return absl::StrCat(check.name, ": expected ", check.expected, ", found ", check.found);
    }
    const Explanation explanation = Explain(parsed);
    return absl::StrCat(explanation.code, " ", explanation.what, ": expected ",
                        explanation.expected, ", found ", explanation.found);
  }
  return "verdict and parser disagree";
}

}  // namespace

bool MatchesError(absl::string_view text, absl::string_view pattern) {
  const std::vector<absl::string_view> parts = absl::StrSplit(pattern, '*');
  if (parts.size() == 1) return text == pattern;
  if (!absl::ConsumePrefix(&text, parts.front()) || !absl::ConsumeSuffix(&text, parts.back())) {
    return false;
  }
  for (size_t i = 1; i + 1 < parts.size(); ++i) {
    const size_t at = text.find(parts[i]);
    if (at == absl::string_view::npos) return false;
    text.remove_prefix(at + parts[i].size());
  }
  return true;
}

std::string WhyRefused(ByteSpan evidence, const EvidencePolicy& policy) {
  static ChainCache cache;  // knows the certificates of all cases before
  std::string why = WhyRefusedWith(evidence, policy, nullptr);
  if (WhyRefusedWith(evidence, policy, &cache) != why) return "a cache makes another verdict";
  return why;
}

}  // namespace sealfold
