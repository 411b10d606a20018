#include "attest/claims_check.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/time.h"

namespace sealfold {
namespace {

std::string TimeText(uint64_t ms) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(static_cast<int64_t>(ms)),
                          absl::UTCTimeZone());
}

std::string DurationText(uint64_t ms) {
  return absl::StrCat(ms / 1000, ".", absl::Dec(ms % 1000, absl::kZeroPad3), " s");
}

void CheckDebug(Verdict& verdict) {
  auto zero = verdict.claims.registers.find(0);
  bool present = zero != verdict.claims.registers.end();
  bool debug = present && IsAllZero(zero->second);
  verdict.checks.push_back({.name = "debug",
                            .expected = "a measured program: pcr0 not all zero",
                            .found = !present ? "no pcr0"
                                     : debug  ? "pcr0 all zero: debug mode, nothing is measured"
                                              : absl::StrCat("pcr0 = ", ShortHex(zero->second)),
                            .passed = present && !debug});
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
       .found = absl::StrCat("made ", TimeText(made_ms), ", ", DurationText(distance_ms),
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

Comparison Compare(const ReferenceValues& set, const Claims& claims) {
  Comparison comparison;
  comparison.check.name = "registers";
  for (const auto& [index, expected] : set.registers) {
    auto found = claims.registers.find(index);
    bool present = found != claims.registers.end();
    // All zero means 'not measured': it never counts as a match.
    if (present && found->second == expected && !IsAllZero(expected)) continue;
    if (comparison.differences++ > 0) continue;
    comparison.check.expected = absl::StrCat("pcr", index, " = ", ShortHex(expected),
                                             " (reference values '", set.name, "')");
    comparison.check.found = present ? absl::StrCat("pcr", index, " = ", ShortHex(found->second))
                                     : absl::StrCat("no pcr", index);
  }
  return comparison;
}

void CheckRegisters(const EvidencePolicy& policy, Verdict& verdict) {
  Comparison nearest;
  for (const ReferenceValues& set : policy.reference_values) {
    if (set.registers.empty()) continue;  // matches nothing
    Comparison comparison = Compare(set, verdict.claims);
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
                     .found = "none that name a register"};
  } else if (policy.reference_values.size() > 1) {
    absl::StrAppend(&nearest.check.expected, ", the nearest of ", policy.reference_values.size(),
                    " sets");
  }
  verdict.checks.push_back(std::move(nearest.check));
}

}  // namespace

void CheckClaims(const EvidencePolicy& policy, const EvidenceExpectation& expectation,
                 Verdict& verdict) {
  CheckDebug(verdict);
  if (expectation.check_freshness) CheckFreshness(policy, expectation, verdict);
  CheckEqual("nonce", expectation.nonce, verdict.claims.nonce, verdict);
  CheckEqual("user_data", expectation.user_data, verdict.claims.user_data, verdict);
  CheckEqual("public_key", expectation.public_key, verdict.claims.public_key, verdict);
  CheckRegisters(policy, verdict);
}

std::string ShortHex(ByteSpan bytes) {
  if (bytes.size() <= 20) return HexEncode(bytes);
  return absl::StrCat(HexEncode(bytes.first(12)), "...", HexEncode(bytes.last(4)), " (",
                      bytes.size(), " bytes)");
}

bool IsAllZero(ByteSpan bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t b) { return b == 0; });
}

}  // namespace sealfold
