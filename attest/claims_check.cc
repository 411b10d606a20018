#include "attest/claims_check.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "attest/x509/revocation/revocation.h"
#include "attest/x509/revocation/revocation_coverage.h"
#include "protocol/base/error.h"
#include "protocol/text/time.h"

namespace sealfold {
namespace {

std::string DurationText(uint64_t ms) {
  return absl::StrCat(ms / 1000, ".", absl::Dec(ms % 1000, absl::kZeroPad3), " s");
}

void CheckDebug(const RegisterRules& rules, Verdict& verdict) {
  Check check{.name = "debug", .passed = true};
  for (uint32_t index = 0; index < rules.count; ++index) {
    if (!InMask(rules.measured, index) || !check.passed) continue;
    const auto entry = verdict.claims.registers.find(index);
    const std::string name = absl::StrCat("pcr", index);
    check.expected = absl::StrCat("a measured program: ", name, " set");
    if (entry == verdict.claims.registers.end()) {
      check.found = absl::StrCat("no ", name);
    } else if (IsAllZero(entry->second) || IsAllOnes(entry->second)) {
      check.found = absl::StrCat(name, IsAllZero(entry->second) ? " all zero" : " all ones",
                                 ": debug mode, nothing is measured");
    } else {
      check.found = absl::StrCat(name, " = ", ShortHex(entry->second));
      continue;
    }
    check.passed = false;
  }
  if (rules.measured != 0) verdict.checks.push_back(std::move(check));
}

void CheckFreshness(const EvidencePolicy& policy, const EvidenceExpectation& expectation,
                    Verdict& verdict) {
  const uint64_t made_ms = verdict.claims.timestamp_ms;
  const uint64_t now_ms = expectation.now_ms;
  const bool future = made_ms > now_ms;
  const uint64_t distance_ms = future ? made_ms - now_ms : now_ms - made_ms;
  verdict.checks.push_back(
      {.name = "freshness",
       .expected = absl::StrCat("at most ", DurationText(policy.age_ms_max), " old and ",
                                DurationText(policy.skew_ms_max), " ahead of this clock"),
       .found = absl::StrCat("made ", TimeTextOfMillis(made_ms), ", ", DurationText(distance_ms),
                             future ? " ahead" : " ago"),
       .passed = distance_ms <= (future ? policy.skew_ms_max : policy.age_ms_max)});
}

std::string Describe(const std::optional<Bytes>& bytes) {
  if (!bytes.has_value()) return "none";
  return bytes->empty() ? "empty" : ShortHex(*bytes);
}

void CheckEqual(const char* name, const std::optional<Bytes>& expected,
                const std::optional<Bytes>& found, Verdict& verdict) {
  if (!expected.has_value()) return;
  Check check{.name = name,
              .expected = Describe(expected),
              .found = Describe(found),
              .passed = expected == found};
  if (!check.passed && check.expected == check.found) {
    absl::StrAppend(&check.found, ", which differs in the part left out here");
  }
  verdict.checks.push_back(std::move(check));
}

// How one set of reference values compares; `check` describes its first difference, if there is
// one.
struct Comparison {
  size_t differences = 0;
  Check check;
};

Comparison Compare(const RegisterRules& rules, const ReferenceValues& set, const Claims& claims) {
  Comparison comparison;
  comparison.check.name = "registers";
  for (const auto& [index, expected] : set.registers) {
    auto found = claims.registers.find(index);
    bool present = found != claims.registers.end();
    if (present && found->second == expected && SaysSomething(rules, index, expected)) continue;
    if (comparison.differences++ > 0) continue;
    comparison.check.expected = absl::StrCat("pcr", index, " = ", ShortHex(expected),
                                             " (reference values '", set.name, "')");
    comparison.check.found = present ? absl::StrCat("pcr", index, " = ", ShortHex(found->second))
                                     : absl::StrCat("no pcr", index);
  }
  return comparison;
}

void CheckRegisters(const RegisterRules& rules, const EvidencePolicy& policy, Verdict& verdict) {
  Comparison nearest;
  for (const ReferenceValues& set : policy.reference_values) {
    if (!TellsProgram(rules, set)) continue;  // matches nothing
    Comparison comparison = Compare(rules, set, verdict.claims);
    if (comparison.differences == 0) {
      std::string registers;
      for (const auto& [index, value] : set.registers) {
        absl::StrAppend(&registers, registers.empty() ? "pcr" : ", pcr", index, " = ",
                        ShortHex(value));
      }
      verdict.checks.push_back({.name = "registers",
                                .expected = absl::StrCat("reference values '", set.name, "'"),
                                .found = std::move(registers),
                                .passed = true});
      return;
    }
    if (nearest.differences == 0 || comparison.differences < nearest.differences) {
      nearest = std::move(comparison);
    }
  }
  if (nearest.differences == 0) {
    nearest.check = {.name = "registers",
                     .expected = "reference values in the policy",
                     .found = "none that name a register which tells what runs"};
  } else if (policy.reference_values.size() > 1) {
    absl::StrAppend(&nearest.check.expected, ", the nearest of ", policy.reference_values.size(),
                    " sets");
  }
  verdict.checks.push_back(std::move(nearest.check));
}

}  // namespace

bool TellsProgram(const RegisterRules& rules, const ReferenceValues& set) {
  return std::any_of(set.registers.begin(), set.registers.end(), [&](const auto& entry) {
    return InMask(rules.telling, entry.first) && !IsAllZero(entry.second);
  });
}

bool MatchesWholly(const ReferenceValues& set, const std::map<uint32_t, Bytes>& registers) {
  return std::all_of(set.registers.begin(), set.registers.end(), [&](const auto& entry) {
    const auto found = registers.find(entry.first);
    return found != registers.end() && found->second == entry.second;
  });
}

bool SaysSomething(const RegisterRules& rules, uint32_t index, ByteSpan value) {
  if (InMask(rules.resettable, index) || IsAllOnes(value)) return false;
  return !IsAllZero(value) || InMask(rules.zero_tells, index);
}

void CheckClaims(const RegisterRules& rules, const EvidencePolicy& policy,
                 const EvidenceExpectation& expectation, Verdict& verdict) {
  CheckDebug(rules, verdict);
  if (expectation.check_freshness) CheckFreshness(policy, expectation, verdict);
  CheckEqual("nonce", expectation.nonce, verdict.claims.nonce, verdict);
  CheckEqual("user_data", expectation.user_data, verdict.claims.user_data, verdict);
  CheckEqual("public_key", expectation.public_key, verdict.claims.public_key, verdict);
  CheckRegisters(rules, policy, verdict);
}

bool CheckRevocationLists(const EvidencePolicy& policy, const EvidenceExpectation& expectation,
                          absl::Span<const Certificate> chain, uint64_t made_ms, Verdict& verdict) {
  if (policy.revocation == nullptr) return true;
  const RevocationLists& revocation = *policy.revocation;
  const uint64_t time_ms = expectation.check_freshness ? expectation.now_ms : made_ms;
  // A list may well be younger than evidence kept from earlier.
  std::optional<int64_t> issued_s_max;
  if (expectation.check_freshness) {
    issued_s_max = static_cast<int64_t>((time_ms + policy.skew_ms_max) / 1000);
  }
  const absl::Status status =
      CheckRevocation(chain, revocation, static_cast<int64_t>(time_ms / 1000), issued_s_max);
  if (!status.ok()) {
    verdict.checks.push_back(FailedCheck("revocation", status));
    return false;
  }
  verdict.checks.push_back(
      {.name = "revocation",
       .expected = "certificates that are not revoked",
       .found = absl::StrCat("none of ", chain.size(), " on ", revocation.lists.size(),
                             revocation.lists.size() == 1 ? " list" : " lists"),
       .passed = true});
  const ListCoverage coverage = CoverageOf(chain, revocation.lists);
  verdict.checks.push_back({.name = "revocation_coverage",
                            .expected = DemandText(revocation.demand),
                            .found = coverage.Text(),
                            .passed = coverage.Meets(revocation.demand)});
  return verdict.checks.back().passed;
}

Check FailedCheck(std::string name, const absl::Status& status) {
  Explanation explanation = Explain(status);
  return {.name = std::move(name),
          .expected = absl::StrCat(explanation.what, ": ", explanation.expected),
          .found = std::move(explanation.found)};
}

bool CheckPlatform(absl::string_view platform, const EvidencePolicy& policy, Verdict& verdict) {
  bool same = policy.platform == platform;
  verdict.checks.push_back({.name = "platform",
                            .expected = policy.platform,
                            .found = std::string(platform),
                            .passed = same});
  return same;
}

absl::Status RefuseAttestationKeys(const EvidencePolicy& policy) {
  if (policy.attestation_keys.empty()) return absl::OkStatus();
  return BadInput({.code = "policy_keys_unexpected",
                   .what = absl::StrCat("policy's attestation_keys for platform ", policy.platform),
                   .expected = "none: only a TPM of its own has such keys",
                   .found = absl::StrCat(policy.attestation_keys.size()),
                   .advice = "leave them out"});
}

std::string ShortHex(ByteSpan bytes) {
  if (bytes.size() <= 20) return HexEncode(bytes);
  return absl::StrCat(HexEncode(bytes.first(12)), "...", HexEncode(bytes.last(4)), " (",
                      bytes.size(), " bytes)");
}

bool IsAllZero(ByteSpan bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b == 0; });
}

bool IsAllOnes(ByteSpan bytes) {
  return !bytes.empty() &&
         std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b == 0xff; });
}

}  // namespace sealfold
