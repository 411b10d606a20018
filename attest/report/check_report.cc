#include "attest/report/check_report.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "attest/claims_check.h"
#include "protocol/program/description.h"

namespace sealfold {
namespace {

using nlohmann::ordered_json;

void AddClaims(const Claims& claims, ordered_json& out) {
  out["iss"] = claims.platform;
  out["iat"] = claims.timestamp_ms / 1000;  // no fraction: RFC 9711, 4.3.1
  if (claims.nonce.has_value()) {
    // RFC 9711, 4.1; documents may have shorter ones, and such of 512 bytes.
    const size_t size = claims.nonce->size();
    const bool fits = size >= 8 && size <= 64;
    out[fits ? "eat_nonce" : "nonce"] = absl::WebSafeBase64Escape(AsText(*claims.nonce));
  }
  // A debug state is register 0's to say only where the platform measures the program into it.
  const Verifier* verifier = FindVerifier(claims.platform);
  const auto zero = claims.registers.find(0);
  if (verifier != nullptr && InMask(verifier->register_rules().measured, 0) &&
      zero != claims.registers.end()) {
    out["dbgstat"] = IsAllZero(zero->second) ? "enabled" : "disabled-since-boot";
  }
  out["module_id"] = claims.module_id;
  for (const auto& [index, value] : claims.registers) {
    out["registers"][absl::StrCat("pcr", index)] = HexEncode(value);
  }
  if (claims.tpm_clock.has_value()) {
    out["tpm_clock"] = {{"clock_ms", claims.tpm_clock->clock_ms},
                        {"safe", claims.tpm_clock->safe},
                        {"resets", claims.tpm_clock->resets},
                        {"restarts", claims.tpm_clock->restarts}};
  }
  if (claims.user_data.has_value()) out["user_data"] = HexEncode(*claims.user_data);
  if (claims.public_key.has_value()) out["public_key"] = HexEncode(*claims.public_key);
}

}  // namespace

nlohmann::json ChecksJson(absl::Span<const Check> checks) {
  nlohmann::json out = nlohmann::json::array();
  for (const Check& check : checks) {
    out.push_back({{"name", check.name},
                   {"expected", check.expected},
                   {"found", check.found},
                   {"passed", check.passed}});
  }
  return out;
}

void PrintCheckTable(const Output& output, absl::Span<const Check> checks) {
  size_t width = 0;
  for (const Check& check : checks) width = std::max(width, check.name.size());
  for (const Check& check : checks) {
    const std::string name = absl::StrCat(check.name, std::string(width - check.name.size(), ' '));
    if (check.passed && check.expected == check.found) {
      output.Line(absl::StrCat("  ", output.Mark(true), " ", name, "  ", Shorten(check.found)));
    } else {
      output.Line(absl::StrCat("  ", output.Mark(check.passed), " ", name, "  expected ",
                               Shorten(check.expected), ", found ", Shorten(check.found)));
    }
  }
}

nlohmann::ordered_json VerdictJson(const Verdict& verdict) {
  ordered_json out = {{"event", "verdict"}, {"passed", verdict.passed()}};
  if (!verdict.claims.platform.empty()) AddClaims(verdict.claims, out);
  ordered_json results = ordered_json::array();
  for (const Check& check : verdict.checks) {
    results.push_back({check.name, check.passed ? "success" : "fail"});
  }
  out["measres"] = ordered_json::array({ordered_json::array({"sealfold", std::move(results)})});
  out["checks"] = ChecksJson(verdict.checks);
  if (!verdict.caveat.empty()) out["caveat"] = verdict.caveat;
  return out;
}

}  // namespace sealfold
