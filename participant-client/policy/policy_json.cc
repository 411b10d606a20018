// A policy as people write it.
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "embedded/policy.schema.h"
#include "participant-client/policy/policy.h"
#include "protocol/base/error.h"
#include "protocol/json/load.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

using nlohmann::json;

constexpr size_t kRootBytesMax = 1u << 20;

absl::Status BadHex(const std::string& where, std::string expected, const absl::Status& why) {
  return BadInput({.code = "field_invalid",
                   .what = absl::StrCat("policy at ", where),
                   .expected = std::move(expected),
                   .found = Explain(why).found.empty() ? Explain(why).what : Explain(why).found,
                   .advice = ""});
}

absl::Status ReadReferenceValues(const json& list, EvidencePolicy& evidence) {
  for (const json& set : list) {
    ReferenceValues values{.name = set["name"].get<std::string>(), .registers = {}};
    for (const auto& [name, value] : set.items()) {
      uint32_t index = 0;
      if (!absl::StartsWith(name, "pcr") || !absl::SimpleAtoi(name.substr(3), &index)) continue;
      absl::StatusOr<Bytes> bytes = HexDecode(value.get<std::string>());
      if (!bytes.ok()) {
        return BadHex(absl::StrCat("/evidence/reference_values, '", values.name, "', ", name),
                      "hex digits", bytes.status());
      }
      values.registers[index] = *std::move(bytes);
    }
    evidence.reference_values.push_back(std::move(values));
  }
  return absl::OkStatus();
}

absl::StatusOr<EvidencePolicy> ReadEvidence(const json& node, const ReadPolicyFile& read_file) {
  EvidencePolicy evidence;
  evidence.platform = node["platform"].get<std::string>();
  if (node.contains("root")) {
    std::string root = node["root"].get<std::string>();
    if (absl::StrContains(root, "-----BEGIN")) {
      evidence.root_pem = std::move(root);
    } else {
      SEALFOLD_ASSIGN_OR_RETURN(evidence.root_pem, read_file(root));
    }
  }
  if (node.contains("age_seconds_max")) {
    evidence.age_ms_max = node["age_seconds_max"].get<uint64_t>() * 1000;
  }
  if (node.contains("attestation_keys")) {
    for (const json& hex : node["attestation_keys"]) {
      absl::StatusOr<Bytes> name = HexDecode(hex.get<std::string>());
      if (!name.ok()) return BadHex("/evidence/attestation_keys", "hex digits", name.status());
      evidence.attestation_keys.push_back(*std::move(name));
    }
  }
  SEALFOLD_RETURN_IF_ERROR(ReadReferenceValues(node["reference_values"], evidence));
  return evidence;
}

// The values of an enum whose names stand in `list`; the schema has checked that they are names of
// it.
template <typename E>
std::vector<E> ReadNames(const json& list) {
  std::vector<E> out;
  auto names = CborEnumNames(E{});
  for (const json& entry : list) {
    auto found = std::find(names.begin(), names.end(), entry.get<std::string>());
    SEALFOLD_CHECK(found != names.end());
    out.push_back(static_cast<E>(found - names.begin()));
  }
  return out;
}

PlanRules ReadRules(const json& node) {
  PlanRules rules;
  if (node.contains("quorum_min")) rules.quorum_min = node["quorum_min"].get<uint64_t>();
  if (node.contains("range_max")) rules.range_max = node["range_max"].get<double>();
  if (node.contains("weight_max")) rules.weight_max = Weight(node["weight_max"].get<uint64_t>());
  if (node.contains("participants_min")) {
    rules.participants_min = node["participants_min"].get<uint64_t>();
  }
  if (node.contains("rounds_max")) rules.rounds_max = node["rounds_max"].get<uint64_t>();
  if (node.contains("strategies")) rules.strategies = ReadNames<Strategy>(node["strategies"]);
  if (node.contains("deliveries")) rules.deliveries = ReadNames<Delivery>(node["deliveries"]);
  if (node.contains("attempts_max")) rules.attempts_max = node["attempts_max"].get<uint64_t>();
  return rules;
}

}  // namespace

absl::StatusOr<Policy> ParsePolicy(absl::string_view text, absl::string_view source,
                                   const ReadPolicyFile& read_file) {
  SEALFOLD_ASSIGN_OR_RETURN(json document, LoadJson(text, kPolicySchema, source));
  Policy policy;
  for (const json& hex : document["coordinators"]) {
    auto key = SigningPublicKey::FromHex(hex.get<std::string>());
    if (!key.ok()) return BadHex("/coordinators", "64 hex digits", key.status());
    policy.coordinators.push_back(*key);
  }
  SEALFOLD_ASSIGN_OR_RETURN(policy.evidence, ReadEvidence(document["evidence"], read_file));
  if (document.contains("plan")) policy.plan = ReadRules(document["plan"]);
  SEALFOLD_RETURN_IF_ERROR(CheckPolicy(policy));
  return policy;
}

absl::StatusOr<Policy> LoadPolicy(const std::string& path) {
  SEALFOLD_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kJsonBytesMax));
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  return ParsePolicy(text, path, [&](const std::string& name) {
    return ReadFile((folder / name).string(), kRootBytesMax);
  });
}

}  // namespace sealfold
