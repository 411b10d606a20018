#include "absl/strings/str_cat.h"
#include "attest/claims_check.h"
#include "attest/verifier.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr uint32_t kRegisterIndexMax = 31;

absl::Status BadPolicy(absl::string_view code, std::string what, std::string expected,
                       std::string found, std::string advice = "") {
  return BadInput({.code = absl::StrCat("policy_", code),
                   .what = std::move(what),
                   .expected = std::move(expected),
                   .found = std::move(found),
                   .advice = std::move(advice)});
}

absl::Status CheckReferenceValues(const ReferenceValues& set) {
  if (set.registers.empty()) {
    return BadPolicy("reference_empty", absl::StrCat("policy's reference values '", set.name, "'"),
                     "at least one register", "none", "it would accept every program");
  }
  for (const auto& [index, value] : set.registers) {
    std::string what = absl::StrCat("policy's pcr", index, " in reference values '", set.name, "'");
    if (index > kRegisterIndexMax) {
      return BadPolicy("register_index", std::move(what),
                       absl::StrCat("an index up to ", kRegisterIndexMax), absl::StrCat(index));
    }
    if (value.size() != Measurement::kSize) {
      return BadPolicy("register_length", std::move(what),
                       absl::StrCat(Measurement::kSize, " bytes (SHA-384)"),
                       absl::StrCat(value.size(), " bytes"));
    }
    if (IsAllZero(value)) {
      return BadPolicy("register_zero", std::move(what), "a measurement",
                       "all zero, as in debug mode", "it would accept any program in debug mode");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckEvidencePolicy(const EvidencePolicy& policy) {
  const Verifier* verifier = FindVerifier(policy.platform);
  if (verifier == nullptr) {
    return BadPolicy("platform_unknown", "policy's platform", "one that this build has",
                     absl::StrCat("'", policy.platform.substr(0, 40), "'"));
  }
  if (policy.reference_values.empty()) {
    return BadPolicy("references_empty", "policy's reference values", "at least one set", "none",
                     "list the measurements of the builds you accept");
  }
  for (const ReferenceValues& set : policy.reference_values) {
    SEALFOLD_RETURN_IF_ERROR(CheckReferenceValues(set));
  }
  return verifier->CheckRoot(policy.root_pem);
}

}  // namespace sealfold
