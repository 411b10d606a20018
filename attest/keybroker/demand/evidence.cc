#include "attest/keybroker/demand/evidence.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

EvidenceKind KindOf(const TrustRecord& record) { return sealfold::KindOf(record.platform); }

// Reference values that no program has, in a register that every verifier takes one for: what a
// policy must have where the registers do not matter.
std::vector<ReferenceValues> NoProgram(EvidenceKind kind) {
  return {{.name = "any program",
           .registers = {{kind == EvidenceKind::kEnclave ? 0U : 4U, Bytes(48, 0x01)}}}};
}

EvidencePolicy PolicyFor(const TrustRecord& record, std::vector<ReferenceValues> references) {
  EvidencePolicy policy;
  policy.platform = record.platform;
  policy.root_pem = record.root_pem;
  policy.revocation = record.revocation;
  policy.reference_values = std::move(references);
  return policy;
}

size_t Passed(const Verdict& verdict) {
  return static_cast<size_t>(std::count_if(verdict.checks.begin(), verdict.checks.end(),
                                           [](const Check& check) { return check.passed; }));
}

}  // namespace

EvidenceKind KindOf(absl::string_view platform) {
  return platform == "aws-nitrotpm" ? EvidenceKind::kNitroTpm : EvidenceKind::kEnclave;
}

absl::Status CheckTrustRecord(const TrustRecord& record) {
  // Those whose documents carry the key that the answer is sealed to.
  constexpr absl::string_view kPlatforms[] = {"aws-nitro", "aws-nitrotpm", "sealfold-softnsm"};
  if (std::find(std::begin(kPlatforms), std::end(kPlatforms), record.platform) ==
      std::end(kPlatforms)) {
    return BadInput({.code = "policy_platform_unknown",
                     .what = "platform that the store trusts",
                     .expected = "aws-nitro, aws-nitrotpm or sealfold-softnsm",
                     .found = absl::StrCat("'", record.platform.substr(0, 40), "'")});
  }
  return CheckEvidencePolicy(PolicyFor(record, NoProgram(KindOf(record))));
}

absl::Status CheckReachable(const EvidenceDemand& demand, absl::Span<const TrustRecord> trust) {
  bool reachable = false;
  for (const TrustRecord& record : trust) {
    if (KindOf(record) != demand.kind) continue;
    SEALFOLD_RETURN_IF_ERROR(CheckEvidencePolicy(PolicyFor(record, demand.references)));
    reachable = true;
  }
  if (reachable) return absl::OkStatus();
  return BadInput({.code = "key_unreachable",
                   .what = "a key's conditions",
                   .expected = "registers of a platform that the store trusts",
                   .found = demand.kind == EvidenceKind::kEnclave ? "an enclave's" : "a NitroTPM's",
                   .advice = "make the store with that platform"});
}

Verdict JudgeEvidence(ByteSpan document, const EvidenceDemand* demand,
                      absl::Span<const TrustRecord> trust, uint64_t now_ms, ChainCache* cache) {
  std::optional<Verdict> best;
  for (const TrustRecord& record : trust) {
    if (demand != nullptr && KindOf(record) != demand->kind) continue;
    EvidenceExpectation expectation;
    expectation.now_ms = now_ms;
    Verdict verdict = VerifyEvidence(
        document,
        PolicyFor(record, demand != nullptr ? demand->references : NoProgram(KindOf(record))),
        expectation, cache);
    if (demand == nullptr) {
      for (Check& check : verdict.checks) {
        if (check.name == "registers") {
          check = {.name = "registers", .expected = "any", .found = "any", .passed = true};
        }
      }
    }
    if (!best.has_value() || Passed(verdict) > Passed(*best)) best = std::move(verdict);
    if (best->passed()) break;
  }
  if (!best.has_value()) {
    best.emplace().checks.push_back({.name = "platform",
                                     .expected = "evidence of a platform that the store trusts",
                                     .found = "none of the demanded kind"});
  }
  return *std::move(best);
}

}  // namespace sealfold
