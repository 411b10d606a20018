// A policy as people write it.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "attest/policy/evidence_policy_json.h"
#include "embedded/policy.schema.h"
#include "participant-client/policy/policy.h"
#include "protocol/base/error.h"
#include "protocol/json/load.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

using nlohmann::json;

absl::Status BadHex(const std::string& where, std::string expected, const absl::Status& why) {
  return BadInput({.code = "field_invalid",
                   .what = absl::StrCat("policy at ", where),
                   .expected = std::move(expected),
                   .found = Explain(why).found.empty() ? Explain(why).what : Explain(why).found,
                   .advice = ""});
}

// The schema of policies with that of evidence in it, which its file refers to.
const std::string& Schema() {
  static const std::string kSchema = [] {
    json schema = json::parse(absl::StrReplaceAll(kPolicySchema, {{"evidence.schema.json#", "#"}}));
    schema["definitions"].update(EvidenceDefinitions());
    return schema.dump();
  }();
  return kSchema;
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

// The public keys listed under `name`; none where it is left out.
absl::StatusOr<std::vector<SigningPublicKey>> ReadKeys(const json& document,
                                                       const std::string& name) {
  std::vector<SigningPublicKey> keys;
  for (const json& hex : document.value(name, json::array())) {
    auto key = SigningPublicKey::FromHex(hex.get<std::string>());
    if (!key.ok()) return BadHex("/" + name, "64 hex digits", key.status());
    keys.push_back(*key);
  }
  return keys;
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
  SEALFOLD_ASSIGN_OR_RETURN(json document, LoadJson(text, Schema(), source));
  Policy policy;
  SEALFOLD_ASSIGN_OR_RETURN(policy.coordinators, ReadKeys(document, "coordinators"));
  SEALFOLD_ASSIGN_OR_RETURN(policy.identities, ReadKeys(document, "identity"));
  SEALFOLD_ASSIGN_OR_RETURN(policy.evidence, ReadEvidencePolicy(document["evidence"], read_file));
  if (document.contains("plan")) policy.plan = ReadRules(document["plan"]);
  SEALFOLD_RETURN_IF_ERROR(CheckPolicy(policy));
  return policy;
}

absl::StatusOr<Policy> LoadPolicy(const std::string& path) {
  SEALFOLD_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kJsonBytesMax));
  return ParsePolicy(text, path, PolicyFilesBeside(path));
}

}  // namespace sealfold
