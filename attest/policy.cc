#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "attest/claims_check.h"
#include "attest/platform_names.h"
#include "attest/verifier.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

absl::Status BadPolicy(absl::string_view code, std::string what, std::string expected,
                       std::string found, std::string advice = "") {
  return BadInput({.code = absl::StrCat("policy_", code),
                   .what = std::move(what),
                   .expected = std::move(expected),
                   .found = std::move(found),
                   .advice = std::move(advice)});
}

absl::Status CheckRegister(const RegisterRules& rules, std::string what, uint32_t index,
                           ByteSpan value) {
  if (index >= rules.count) {
    return BadPolicy("register_index", std::move(what),
                     absl::StrCat("an index up to ", rules.count - 1), absl::StrCat(index));
  }
  if (std::count(rules.sizes.begin(), rules.sizes.end(), value.size()) == 0) {
    return BadPolicy("register_length", std::move(what),
                     absl::StrCat(absl::StrJoin(rules.sizes, " or "), " bytes"),
                     absl::StrCat(value.size(), " bytes"));
  }
  if (InMask(rules.resettable, index)) {
    return BadPolicy("register_resettable", std::move(what),
                     "a register that only the boot can have set", absl::StrCat("pcr", index),
                     "any program on the machine can set it to any value: leave it out");
  }
  if (IsAllZero(value) && !InMask(rules.zero_tells, index)) {
    return BadPolicy("register_zero", std::move(what), "a measurement",
                     "all zero, as in debug mode", "it would accept any program in debug mode");
  }
  if (IsAllOnes(value)) {
    return BadPolicy("register_ones", std::move(what), "a measurement",
                     "all ones: nothing is ever measured into it", "leave it out");
  }
  return absl::OkStatus();
}

absl::Status CheckReferenceValues(const RegisterRules& rules, const ReferenceValues& set) {
  if (set.registers.empty()) {
    return BadPolicy("reference_empty", absl::StrCat("policy's reference values '", set.name, "'"),
                     "at least one register", "none", "it would accept every program");
  }
  for (const auto& [index, value] : set.registers) {
    SEALFOLD_RETURN_IF_ERROR(CheckRegister(
        rules, absl::StrCat("policy's pcr", index, " in reference values '", set.name, "'"), index,
        value));
  }
  if (!TellsProgram(rules, set)) {
    std::vector<std::string> telling;
    for (uint32_t index = 0; index < rules.count; ++index) {
      if (InMask(rules.telling, index)) telling.push_back(absl::StrCat("pcr", index));
    }
    return BadPolicy("reference_untelling",
                     absl::StrCat("policy's reference values '", set.name, "'"),
                     absl::StrCat("one of ", absl::StrJoin(telling, ", ")), "none of them",
                     "the others are the same whatever program runs: it would accept every one");
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckEvidencePolicy(const EvidencePolicy& policy) {
  const Verifier* verifier = FindVerifier(policy.platform);
  if (verifier == nullptr) {
    return BadPolicy("platform_unknown", "policy's platform",
                     absl::StrCat("one of this build: ", PlatformNames()),
                     absl::StrCat("'", policy.platform.substr(0, 40), "'"));
  }
  if (policy.reference_values.empty() && policy.releases == nullptr) {
    return BadPolicy("references_empty", "policy's reference values", "at least one set", "none",
                     "list the measurements of the builds you accept");
  }
  for (const ReferenceValues& set : policy.reference_values) {
    SEALFOLD_RETURN_IF_ERROR(CheckReferenceValues(verifier->register_rules(), set));
  }
  return verifier->CheckTrust(policy);
}

}  // namespace sealfold
