#include "attest/keybroker/demand/conditions.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "attest/nitro/document.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr absl::string_view kPrefix = "kms:RecipientAttestation:";
constexpr size_t kValueDigits = 2 * Measurement::kSize;
constexpr size_t kSetsMax = 256;

struct Register {
  EvidenceKind kind = EvidenceKind::kEnclave;
  uint32_t index = 0;
};

// Which register a condition key names.
std::optional<Register> ReadKey(absl::string_view key) {
  if (!absl::ConsumePrefix(&key, kPrefix)) return std::nullopt;
  Register out;
  if (key == "ImageSha384") return out;
  if (absl::ConsumePrefix(&key, "NitroTPMPCR")) {
    out.kind = EvidenceKind::kNitroTpm;
  } else if (!absl::ConsumePrefix(&key, "PCR")) {
    return std::nullopt;
  }
  if (!absl::SimpleAtoi(key, &out.index) || out.index >= kNsmRegisters ||
      absl::StrCat(out.index) != key) {
    return std::nullopt;
  }
  return out;
}

absl::Status Bad(absl::string_view code, absl::string_view key, std::string expected,
                 std::string found) {
  return BadInput({.code = std::string(code),
                   .what = key.empty() ? "a key's conditions" : absl::StrCat("condition ", key),
                   .expected = std::move(expected),
                   .found = std::move(found)});
}

absl::StatusOr<std::vector<Bytes>> ReadValues(const Condition& condition) {
  std::vector<Bytes> out;
  for (const std::string& value : condition.values) {
    absl::StatusOr<Bytes> bytes = HexDecode(value);
    if (!bytes.ok() || value.size() != kValueDigits || absl::AsciiStrToLower(value) != value) {
      return Bad("condition_value", condition.key,
                 absl::StrCat(kValueDigits, " hex digits in lower case (SHA-384)"),
                 absl::StrCat("'", value.substr(0, 100), "'"));
    }
    out.push_back(*std::move(bytes));
  }
  if (out.empty()) return Bad("condition_value", condition.key, "at least one value", "none");
  return out;
}

// The registers' possible values, multiplied out.
absl::StatusOr<std::vector<ReferenceValues>> Combine(
    const std::map<uint32_t, std::vector<Bytes>>& registers) {
  std::vector<ReferenceValues> sets = {{.name = "the key's conditions"}};
  for (const auto& [index, values] : registers) {
    std::vector<ReferenceValues> more;
    if (sets.size() * values.size() > kSetsMax) {
      return Bad("conditions_too_many", "", absl::StrCat("at most ", kSetsMax, " combinations"),
                 "more");
    }
    for (const ReferenceValues& set : sets) {
      for (const Bytes& value : values) {
        more.push_back(set);
        more.back().registers[index] = value;
      }
    }
    sets = std::move(more);
  }
  return sets;
}

}  // namespace

absl::StatusOr<EvidenceDemand> ReadConditions(absl::Span<const Condition> conditions) {
  if (conditions.empty()) {
    return Bad("conditions_empty", "", "at least one condition on evidence", "none");
  }
  EvidenceDemand demand;
  std::map<uint32_t, std::vector<Bytes>> registers;
  std::map<std::string, bool> seen;
  bool first = true;
  for (const Condition& condition : conditions) {
    const std::optional<Register> named = ReadKey(condition.key);
    if (!named.has_value()) {
      return Bad(
          "condition_unknown", condition.key.substr(0, 100),
          absl::StrCat(kPrefix, "ImageSha384, ", kPrefix, "PCR0, ", kPrefix, "NitroTPMPCR4, ..."),
          "another key");
    }
    if (!seen.emplace(condition.key, true).second) {
      return Bad("condition_doubled", condition.key, "each key once", "the key twice");
    }
    if (!first && named->kind != demand.kind) {
      return Bad("conditions_mixed", condition.key, "registers of one kind of evidence",
                 "those of an enclave and of a NitroTPM, which no document has both");
    }
    first = false;
    demand.kind = named->kind;
    SEALFOLD_ASSIGN_OR_RETURN(std::vector<Bytes> values, ReadValues(condition));
    auto [entry, fresh] = registers.emplace(named->index, values);
    if (!fresh) {  // ImageSha384 and PCR0: what both allow
      std::erase_if(entry->second, [&](const Bytes& value) {
        return std::find(values.begin(), values.end(), value) == values.end();
      });
    }
    if (entry->second.empty()) {
      return Bad("conditions_contrary", condition.key, "a value that PCR0 and ImageSha384 share",
                 "none");
    }
  }
  SEALFOLD_ASSIGN_OR_RETURN(demand.references, Combine(registers));
  return demand;
}

std::vector<Condition> ConditionsFor(EvidenceKind kind,
                                     const std::map<uint32_t, Bytes>& registers) {
  std::vector<Condition> out;
  for (const auto& [index, value] : registers) {
    const absl::string_view bank = kind == EvidenceKind::kNitroTpm ? "NitroTPMPCR" : "PCR";
    out.push_back({.key = absl::StrCat(kPrefix, bank, index), .values = {HexEncode(value)}});
  }
  return out;
}

absl::Status AddCondition(absl::string_view text, std::vector<Condition>& conditions) {
  const std::pair<std::string, std::string> parts = absl::StrSplit(text, absl::MaxSplits('=', 1));
  if (parts.second.empty()) {
    return Bad("condition_malformed", text.substr(0, 100), "KEY=VALUE", "no value");
  }
  const std::string value = absl::AsciiStrToLower(parts.second);
  for (Condition& each : conditions) {
    if (each.key != parts.first) continue;
    each.values.push_back(value);
    return absl::OkStatus();
  }
  conditions.push_back({.key = parts.first, .values = {value}});
  return absl::OkStatus();
}

}  // namespace sealfold
