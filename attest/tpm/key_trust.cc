#include "attest/tpm/key_trust.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "attest/claims_check.h"
#include "attest/nitro/aws_root.h"
#include "attest/tpm/certified_key.h"
#include "attest/tpm/structure/tpm_hash.h"
#include "attest/x509/certificate.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

absl::Status BadTrust(std::string code, std::string what, std::string expected, std::string found,
                      std::string advice = "") {
  return BadInput({.code = std::move(code),
                   .what = std::move(what),
                   .expected = std::move(expected),
                   .found = std::move(found),
                   .advice = std::move(advice)});
}

absl::StatusOr<Certificate> ReadRoot(absl::string_view root_pem) {
  constexpr char kWhat[] = "policy's root for platform tpm2";
  constexpr char kExpected[] = "one root CA's certificate in PEM, on RSA, P-256 or P-384";
  absl::StatusOr<Certificate> root = Certificate::FromPem(root_pem);
  absl::Status fit = root.status();
  if (fit.ok()) fit = root->CheckAlgorithms(CertificateProfile::kTpm);
  if (fit.ok()) fit = root->CheckRoot();
  if (!fit.ok()) return BadTrust("policy_root_malformed", kWhat, kExpected, Explain(fit).found);
  // AWS certifies no attestation keys: its documents are another platform's.
  if (root->der() == AwsNitroRoot().der()) {
    return BadTrust("policy_root_unexpected", kWhat, kExpected, "the root of AWS Nitro");
  }
  return root;
}

bool IsName(ByteSpan name) {
  if (name.size() < 2) return false;
  const size_t digest = TpmHashSize(static_cast<uint16_t>(name[0] << 8 | name[1]));
  return digest != 0 && name.size() == 2 + digest;
}

}  // namespace

absl::Status CheckKeyTrust(const EvidencePolicy& policy) {
  if (policy.root_pem.empty() && policy.attestation_keys.empty()) {
    return BadTrust("policy_root_missing", "policy's root for platform tpm2",
                    "a root, or names of attestation keys", "neither",
                    "name the authority that certified the machine's attestation key, or the key");
  }
  for (const Bytes& name : policy.attestation_keys) {
    if (IsName(name)) continue;
    return BadTrust("policy_key_malformed", "policy's attestation_keys",
                    "names of TPM keys: 000b and a SHA-256, or 000c and a SHA-384", ShortHex(name));
  }
  if (policy.root_pem.empty()) return absl::OkStatus();
  return ReadRoot(policy.root_pem).status();
}

bool CheckKeyTrusted(const ParsedTpmEvidence& parsed, const EvidencePolicy& policy,
                     const EvidenceExpectation& expectation, ChainCache* cache, Verdict& verdict) {
  const Bytes name = parsed.key.Name();
  const std::vector<Bytes>& named = policy.attestation_keys;
  if (std::find(named.begin(), named.end(), name) != named.end()) {
    verdict.checks.push_back({.name = "chain",
                              .expected = "an attestation key that the policy names",
                              .found = ShortHex(name),
                              .passed = true});
    if (policy.revocation != nullptr) {
      verdict.checks.push_back({.name = "revocation_coverage",
                                .expected = "certificates, if any are looked at",
                                .found = "none: the policy names the key itself",
                                .passed = true});
    }
    return true;
  }
  if (policy.root_pem.empty()) {
    verdict.checks.push_back({.name = "chain",
                              .expected = "an attestation key that the policy names",
                              .found = absl::StrCat("another, ", ShortHex(name))});
    return false;
  }
  const absl::StatusOr<Certificate> root = ReadRoot(policy.root_pem);
  const CertifiedKey certified{.name = "attestation key",
                               .profile = CertificateProfile::kTpm,
                               .key = parsed.key,
                               .certificates = parsed.evidence.certificates};
  const auto time_s = static_cast<int64_t>(parsed.evidence.timestamp_ms / 1000);
  const absl::StatusOr<std::vector<Certificate>> chain =
      root.ok() ? CheckCertified(certified, *root, time_s, cache) : root.status();
  if (!chain.ok()) {
    verdict.checks.push_back(
        FailedCheck(ErrorCode(chain.status()) == "certificate_time" ? "certificate_time" : "chain",
                    chain.status()));
    return false;
  }
  verdict.checks.push_back({.name = "chain",
                            .expected = "an attestation key certified under the pinned root",
                            .found = absl::StrCat(parsed.evidence.certificates.size(),
                                                  " certificates to ", ShortHex(name)),
                            .passed = true});
  verdict.checks.push_back({.name = "certificate_time",
                            .expected = "certificates valid at the evidence's own time",
                            .found = "valid",
                            .passed = true});
  return CheckRevocationLists(policy, expectation, *chain, parsed.evidence.timestamp_ms, verdict);
}

}  // namespace sealfold
