#include "attest/nitro/nitro_verifier.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "attest/claims_check.h"
#include "attest/nitro/aws_root.h"
#include "attest/nitro/document.h"
#include "attest/x509/chain.h"
#include "attest/x509/ecdsa.h"
#include "protocol/base/error.h"
#include "protocol/cose/sign1.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

// The document's certificates below the bundle's first, the leaf last: as the cache knows them, or
// read anew.
absl::StatusOr<std::vector<Certificate>> ReadCertificates(const NitroDocument& document,
                                                          ChainCache* cache) {
  const std::vector<Bytes>& bundle = document.cabundle;
  std::vector<Certificate> certificates;
  Digest issuer = Sha256(bundle.front());
  for (size_t i = 1; i <= bundle.size(); ++i) {
    const Bytes& der = i < bundle.size() ? bundle[i] : document.certificate;
    const Digest digest = Sha256(der);
    std::optional<Certificate> known;
    if (cache != nullptr) known = cache->FindIssued(issuer, digest);
    if (!known.has_value()) {
      SEALFOLD_ASSIGN_OR_RETURN(known, Certificate::FromDer(der));
    }
    certificates.push_back(*std::move(known));
    issuer = digest;
  }
  return certificates;
}

// Adds "chain" and "certificate_time". True if both hold.
bool CheckChain(const NitroDocument& document, const Certificate& root,
                absl::Span<const Certificate> issued, ChainCache* cache, Verdict& verdict) {
  const Certificate& leaf = issued.back();
  Check chain{.name = "chain",
              .expected = absl::StrCat("a chain to the pinned root, SHA-256 ",
                                       root.Fingerprint().substr(0, 16), "...")};
  // The bundle brings its root along. Only its bytes are looked at: trust comes from the pinned
  // one.
  if (document.cabundle.front() != root.der()) {
    auto other = Certificate::FromDer(document.cabundle.front());
    chain.found = other.ok()
                      ? absl::StrCat("another root, SHA-256 ", other->Fingerprint().substr(0, 16),
                                     "..., ", other->Subject())
                      : "a bundle that does not begin with a certificate";
    verdict.checks.push_back(std::move(chain));
    return false;
  }
  absl::Status status = VerifyChain(root, issued.first(issued.size() - 1), leaf,
                                    static_cast<int64_t>(document.timestamp_ms / 1000),
                                    CertificateProfile::kNitro, cache);
  if (!status.ok() && ErrorCode(status) == "chain") {
    verdict.checks.push_back(FailedCheck("chain", status));
    return false;
  }
  if (!status.ok()) {
    verdict.checks.push_back(FailedCheck("certificate_time", status));
    return false;
  }
  chain.found = absl::StrCat(document.cabundle.size() + 1, " certificates, leaf ", leaf.Subject());
  chain.passed = true;
  verdict.checks.push_back(std::move(chain));
  verdict.checks.push_back({.name = "certificate_time",
                            .expected = "certificates valid at the document's own time",
                            .found = absl::StrCat("leaf valid ", leaf.Validity()),
                            .passed = true});
  return true;
}

bool CheckSignature(const NitroDocument& document, const Certificate& leaf, Verdict& verdict) {
  Bytes signed_bytes = SigStructure(kNitroProtectedHeader, {}, document.payload);
  bool valid = VerifyP384(leaf.public_key(), signed_bytes, document.signature);
  const std::string wrong =
      IsAllZero(document.signature) ? "zeros, which no key makes" : "one that does not verify";
  verdict.checks.push_back({.name = "signature",
                            .expected = "an ES384 signature by the leaf certificate's key",
                            .found = valid ? "one that verifies" : wrong,
                            .passed = valid});
  return valid;
}

}  // namespace

void VerifyNitroDocument(ByteSpan evidence, const NitroDocumentRules& rules,
                         const Certificate& root, const EvidencePolicy& policy,
                         const EvidenceExpectation& expectation, ChainCache* cache,
                         Verdict& verdict) {
  auto document = ParseNitroDocument(evidence, rules.kind);
  if (!document.ok()) {
    verdict.checks.push_back(FailedCheck("format", document.status()));
    return;
  }
  const absl::StatusOr<std::vector<Certificate>> issued = ReadCertificates(*document, cache);
  if (!issued.ok()) {
    verdict.checks.push_back(FailedCheck("format", issued.status()));
    return;
  }
  const Certificate& leaf = issued->back();
  verdict.checks.push_back({.name = "format",
                            .expected = "an attestation document, ES384",
                            .found = absl::StrCat("one of ", evidence.size(), " bytes with ",
                                                  document->registers.size(), " registers"),
                            .passed = true});
  if (!CheckChain(*document, root, *issued, cache, verdict)) return;
  std::vector<Certificate> certificates = {root};
  certificates.insert(certificates.end(), issued->begin(), issued->end());
  if (!CheckRevocationLists(policy, expectation, certificates, document->timestamp_ms, verdict)) {
    return;
  }
  if (!CheckSignature(*document, leaf, verdict)) return;
  verdict.claims = {.platform = policy.platform,
                    .module_id = std::move(document->module_id),
                    .timestamp_ms = document->timestamp_ms,
                    .registers = std::move(document->registers),
                    .public_key = std::move(document->public_key),
                    .user_data = std::move(document->user_data),
                    .nonce = std::move(document->nonce)};
  CheckClaims(rules.registers, policy, expectation, verdict);
}

absl::Status CheckAwsTrust(absl::string_view platform, const EvidencePolicy& policy) {
  SEALFOLD_RETURN_IF_ERROR(RefuseAttestationKeys(policy));
  if (policy.root_pem.empty()) return absl::OkStatus();
  return BadInput({.code = "policy_root_unexpected",
                   .what = absl::StrCat("policy's root for platform ", platform),
                   .expected = "none: AWS's own root is built in",
                   .found = "a PEM text",
                   .advice = "leave it out"});
}

absl::Status NitroVerifier::CheckTrust(const EvidencePolicy& policy) const {
  return CheckAwsTrust(platform(), policy);
}

Verdict NitroVerifier::Verify(ByteSpan evidence, const EvidencePolicy& policy,
                              const EvidenceExpectation& expectation, ChainCache* cache) const {
  Verdict verdict;
  if (CheckPlatform(platform(), policy, verdict)) {
    VerifyNitroDocument(evidence, {kNsmDocument, kNsmRegisterRules}, AwsNitroRoot(), policy,
                        expectation, cache, verdict);
  }
  return verdict;
}

}  // namespace sealfold
