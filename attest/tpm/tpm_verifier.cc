#include "attest/tpm/tpm_verifier.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/claims_check.h"
#include "attest/tpm/key_trust.h"
#include "attest/tpm/log/event_log.h"
#include "attest/tpm/structure/tpm_hash.h"
#include "attest/tpm/structure/tpm_signature.h"
#include "attest/tpm/tpm_evidence.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

// The check "attestation_key": what kind of key it is, and that the quote was made by a key of that
// kind: the signer's qualified name covers all of its public area.
bool CheckKey(const ParsedTpmEvidence& parsed, Verdict& verdict) {
  Check check{.name = "attestation_key",
              .expected =
                  "a restricted signing key that never leaves its TPM, primary under the "
                  "endorsement or owner hierarchy"};
  const absl::Status fit = CheckAttestationKey(parsed.key);
  const Bytes& signer = parsed.quote.qualified_signer;
  const char* hierarchy = signer == parsed.key.QualifiedName(kTpmEndorsement) ? "endorsement"
                          : signer == parsed.key.QualifiedName(kTpmOwner)     ? "owner"
                                                                              : nullptr;
  if (!fit.ok()) {
    check.found = Explain(fit).found;
  } else if (hierarchy == nullptr) {
    check.found = absl::StrCat("a quote whose signer is called ", ShortHex(signer),
                               ": another key, or one that is not primary");
  } else {
    check.found =
        absl::StrCat("one under the ", hierarchy, " hierarchy, name ", ShortHex(parsed.key.Name()));
  }
  check.passed = fit.ok() && hierarchy != nullptr;
  verdict.checks.push_back(check);
  return check.passed;
}

bool CheckSignature(const ParsedTpmEvidence& parsed, Verdict& verdict) {
  const bool valid = VerifyTpmSignature(parsed.key, parsed.evidence.attest, parsed.signature);
  std::string wrong = "one that does not verify";
  if (parsed.signature.scheme != parsed.key.scheme ||
      parsed.signature.hash != parsed.key.scheme_hash) {
    wrong = absl::StrCat("one of another scheme than the key's, with ",
                         TpmHashName(parsed.signature.hash));
  } else if (IsAllZero(parsed.signature.ecdsa_r) && IsAllZero(parsed.signature.rsa)) {
    wrong = "zeros, which no key makes";
  }
  verdict.checks.push_back({.name = "signature",
                            .expected = "a quote signed by the attestation key",
                            .found = valid ? "one that verifies" : wrong,
                            .passed = valid});
  return valid;
}

// That the signed quote is about the registers and the data that came with it.
bool CheckQuoted(const ParsedTpmEvidence& parsed, Verdict& verdict) {
  Bytes values;
  for (const Bytes& value : parsed.evidence.registers) Append(values, value);
  const Bytes digest = TpmHash(parsed.signature.hash, {values});
  verdict.checks.push_back(
      {.name = "quote",
       .expected = absl::StrCat("a quote over these register values, digest ", ShortHex(digest)),
       .found = ShortHex(parsed.quote.register_digest),
       .passed = digest == parsed.quote.register_digest});
  if (!verdict.checks.back().passed) return false;
  const Bytes data = parsed.evidence.Binding().QualifyingData(parsed.quote.bank);
  verdict.checks.push_back(
      {.name = "qualifying_data",
       .expected =
           absl::StrCat("a quote for this time, nonce, user_data and public_key, ", ShortHex(data)),
       .found = ShortHex(parsed.quote.extra_data),
       .passed = data == parsed.quote.extra_data});
  return verdict.checks.back().passed;
}

// The check "event_log". The operating system extends registers from 8 on beside the firmware's
// log.
void CheckEventLog(ByteSpan bytes, uint16_t bank, Verdict& verdict) {
  constexpr uint32_t kFirmwareRegistersEnd = 8;
  const absl::StatusOr<EventLog> log = ParseEventLog(bytes, bank);
  if (!log.ok()) {
    verdict.checks.push_back(FailedCheck("event_log", log.status()));
    return;
  }
  Check check{.name = "event_log",
              .expected = "a log that leads to the quoted registers 0 to 7",
              .found = absl::StrCat("one of ", log->events.size(), " events"),
              .passed = true};
  const std::map<uint32_t, Bytes> replayed = ReplayEventLog(*log);
  for (const auto& [index, value] : verdict.claims.registers) {
    if (index >= kFirmwareRegistersEnd) break;
    const auto entry = replayed.find(index);
    if (entry != replayed.end() ? entry->second == value : IsAllZero(value)) continue;
    check.found = entry != replayed.end()
                      ? absl::StrCat("one that leads to pcr", index, " = ", ShortHex(entry->second))
                      : absl::StrCat("one without an event for pcr", index, ", which is set");
    check.passed = false;
    break;
  }
  verdict.checks.push_back(std::move(check));
}

Claims MakeClaims(ParsedTpmEvidence&& parsed) {
  Claims claims{.platform = std::string(kTpmPlatform),
                .module_id = HexEncode(parsed.key.Name()),
                .timestamp_ms = parsed.evidence.timestamp_ms,
                .public_key = std::move(parsed.evidence.public_key),
                .user_data = std::move(parsed.evidence.user_data),
                .nonce = std::move(parsed.evidence.nonce),
                .tpm_clock = TpmClock{.clock_ms = parsed.quote.clock_ms,
                                      .safe = parsed.quote.clock_safe,
                                      .resets = parsed.quote.resets,
                                      .restarts = parsed.quote.restarts}};
  size_t next = 0;
  for (uint32_t index = 0; index < kTpmRegisters; ++index) {
    if (!InMask(parsed.quote.registers, index)) continue;
    claims.registers[index] = std::move(parsed.evidence.registers[next++]);
  }
  return claims;
}

}  // namespace

absl::Status TpmVerifier::CheckTrust(const EvidencePolicy& policy) const {
  return CheckKeyTrust(policy);
}

Verdict TpmVerifier::Verify(ByteSpan evidence, const EvidencePolicy& policy,
                            const EvidenceExpectation& expectation, ChainCache* cache) const {
  Verdict verdict;
  verdict.caveat = std::string(kTpmCaveat);
  if (!CheckPlatform(platform(), policy, verdict)) return verdict;
  absl::StatusOr<ParsedTpmEvidence> parsed = ParseTpmEvidence(evidence);
  if (!parsed.ok()) {
    verdict.checks.push_back(FailedCheck("format", parsed.status()));
    return verdict;
  }
  verdict.checks.push_back({.name = "format",
                            .expected = "a TPM 2.0 quote with what it is about",
                            .found = absl::StrCat("one of ", evidence.size(), " bytes over ",
                                                  parsed->evidence.registers.size(), " registers, ",
                                                  TpmHashName(parsed->quote.bank)),
                            .passed = true});
  if (!CheckKey(*parsed, verdict) ||
      !CheckKeyTrusted(*parsed, policy, expectation, cache, verdict) ||
      !CheckSignature(*parsed, verdict) || !CheckQuoted(*parsed, verdict)) {
    return verdict;
  }
  const std::optional<Bytes> event_log = std::move(parsed->evidence.event_log);
  const uint16_t bank = parsed->quote.bank;
  verdict.claims = MakeClaims(*std::move(parsed));
  CheckClaims(kTpmRegisterRules, policy, expectation, verdict);
  if (expectation.check_freshness &&
      !(expectation.nonce.has_value() && !expectation.nonce->empty())) {
    verdict.checks.push_back({.name = "nonce",
                              .expected = "a nonce of the caller's own: a TPM knows no time of day",
                              .found = "none expected"});
  }
  if (event_log.has_value()) CheckEventLog(*event_log, bank, verdict);
  return verdict;
}

}  // namespace sealfold
