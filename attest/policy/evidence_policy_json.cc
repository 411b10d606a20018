#include "attest/policy/evidence_policy_json.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "attest/release/rules.h"
#include "attest/x509/revocation/revocation.h"
#include "embedded/evidence.schema.h"
#include "protocol/base/error.h"
#include "protocol/json/load.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr size_t kRootBytesMax = 1u << 20;

absl::Status ReadRegisters(const json& set, ReferenceValues& values) {
  for (const auto& [name, value] : set.items()) {
    uint32_t index = 0;
    if (!absl::StartsWith(name, "pcr") || !absl::SimpleAtoi(name.substr(3), &index)) continue;
    absl::StatusOr<Bytes> bytes = HexDecode(value.get<std::string>());
    if (!bytes.ok()) {
      const Explanation why = Explain(bytes.status());
      return BadInput({.code = "field_invalid",
                       .what = absl::StrCat("policy at /evidence/reference_values, '", values.name,
                                            "', ", name),
                       .expected = "hex digits",
                       .found = why.found.empty() ? why.what : why.found});
    }
    values.registers[index] = *std::move(bytes);
  }
  return absl::OkStatus();
}

absl::StatusOr<SigningPublicKey> ReadKey(const json& hex, absl::string_view where) {
  absl::StatusOr<SigningPublicKey> key = SigningPublicKey::FromHex(hex.get<std::string>());
  if (key.ok()) return key;
  return BadInput({.code = "field_invalid",
                   .what = absl::StrCat("policy at /evidence/releases/", where),
                   .expected = "64 hex digits",
                   .found = Explain(key.status()).found});
}

// The releases' values, once each of them satisfies the rules.
absl::Status ReadReleases(const json& node, const ReadPolicyFile& read_file,
                          EvidencePolicy& policy) {
  ReleaseRules rules{.subject = node["subject"].get<std::string>(), .k = node["k"].get<uint64_t>()};
  for (const json& hex : node["signers"]) {
    SEALFOLD_ASSIGN_OR_RETURN(const SigningPublicKey key, ReadKey(hex, "signers"));
    rules.signers.push_back(key);
  }
  if (node.contains("version_min")) rules.version_min = node["version_min"].get<uint64_t>();
  if (node.contains("log_key")) {
    SEALFOLD_ASSIGN_OR_RETURN(rules.log_key, ReadKey(node["log_key"], "log_key"));
  }
  SEALFOLD_RETURN_IF_ERROR(CheckReleaseRules(rules));
  for (const json& name : node.value("files", json::array())) {
    const auto path = name.get<std::string>();
    SEALFOLD_ASSIGN_OR_RETURN(const std::string bytes, read_file(path));
    const absl::StatusOr<Release> release = OpenRelease(AsBytes(bytes));
    if (!release.ok()) return About(path, release.status());
    if (absl::Status status = CheckRelease(*release, rules); !status.ok()) {
      return About(path, status);
    }
    const absl::StatusOr<std::vector<ReferenceValues>> values =
        ReleaseValues(*release, policy.platform);
    if (!values.ok()) return About(path, values.status());
    policy.reference_values.insert(policy.reference_values.end(), values->begin(), values->end());
  }
  policy.releases = std::make_shared<const ReleaseRules>(std::move(rules));
  return absl::OkStatus();
}

absl::Status ReadLists(const json& node, const ReadPolicyFile& read_file, EvidencePolicy& policy) {
  RevocationLists revocation{.accept_expired = node.value("accept_expired", false)};
  for (const json& name : node["files"]) {
    const auto path = name.get<std::string>();
    SEALFOLD_ASSIGN_OR_RETURN(const std::string bytes, read_file(path));
    absl::StatusOr<RevocationList> list = RevocationList::Parse(AsBytes(bytes));
    if (!list.ok()) return About(path, list.status());
    revocation.lists.push_back(*std::move(list));
  }
  if (node.contains("demand")) {
    const auto demand = ListDemandNamed(node["demand"].get<std::string>());
    SEALFOLD_CHECK(demand.has_value());  // by the schema
    revocation.demand = *demand;
  }
  policy.revocation = std::make_shared<const RevocationLists>(std::move(revocation));
  return absl::OkStatus();
}

}  // namespace

ReadPolicyFile PolicyFilesBeside(const std::string& policy_path) {
  return [folder = std::filesystem::path(policy_path).parent_path()](const std::string& name) {
    return ReadFile((folder / name).string(), kRootBytesMax);
  };
}

json EvidenceDefinitions() { return json::parse(kEvidenceSchema)["definitions"]; }

absl::StatusOr<EvidencePolicy> ReadEvidencePolicy(const json& evidence,
                                                  const ReadPolicyFile& read_file) {
  EvidencePolicy policy;
  policy.platform = evidence["platform"].get<std::string>();
  if (evidence.contains("root")) {
    std::string root = evidence["root"].get<std::string>();
    if (absl::StrContains(root, "-----BEGIN")) {
      policy.root_pem = std::move(root);
    } else {
      SEALFOLD_ASSIGN_OR_RETURN(policy.root_pem, read_file(root));
    }
  }
  if (evidence.contains("age_seconds_max")) {
    policy.age_ms_max = evidence["age_seconds_max"].get<uint64_t>() * 1000;
  }
  for (const json& hex : evidence.value("attestation_keys", json::array())) {
    absl::StatusOr<Bytes> name = HexDecode(hex.get<std::string>());
    if (!name.ok()) {
      return BadInput({.code = "field_invalid",
                       .what = "policy at /evidence/attestation_keys",
                       .expected = "hex digits",
                       .found = Explain(name.status()).found});
    }
    policy.attestation_keys.push_back(*std::move(name));
  }
  for (const json& set : evidence.value("reference_values", json::array())) {
    ReferenceValues values{.name = set["name"].get<std::string>()};
    SEALFOLD_RETURN_IF_ERROR(ReadRegisters(set, values));
    policy.reference_values.push_back(std::move(values));
  }
  if (evidence.contains("revocation_lists")) {
    SEALFOLD_RETURN_IF_ERROR(ReadLists(evidence["revocation_lists"], read_file, policy));
  }
  if (evidence.contains("releases")) {
    SEALFOLD_RETURN_IF_ERROR(ReadReleases(evidence["releases"], read_file, policy));
  }
  return policy;
}

absl::StatusOr<EvidencePolicy> ParseEvidencePolicy(absl::string_view text, absl::string_view source,
                                                   const ReadPolicyFile& read_file) {
  SEALFOLD_ASSIGN_OR_RETURN(const json document, LoadJson(text, kEvidenceSchema, source));
  SEALFOLD_ASSIGN_OR_RETURN(EvidencePolicy policy,
                            ReadEvidencePolicy(document["evidence"], read_file));
  SEALFOLD_RETURN_IF_ERROR(CheckEvidencePolicy(policy));
  return policy;
}

absl::StatusOr<EvidencePolicy> LoadEvidencePolicy(const std::string& path) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string text, ReadFile(path, kJsonBytesMax));
  return ParseEvidencePolicy(text, path, PolicyFilesBeside(path));
}

std::string WriteEvidencePolicy(const EvidencePolicy& policy) {
  ordered_json evidence = {{"platform", policy.platform}};
  if (!policy.root_pem.empty()) evidence["root"] = policy.root_pem;
  for (const Bytes& key : policy.attestation_keys) {
    evidence["attestation_keys"].push_back(HexEncode(key));
  }
  ordered_json sets = ordered_json::array();
  for (const ReferenceValues& values : policy.reference_values) {
    ordered_json set = {{"name", values.name}};
    for (const auto& [index, value] : values.registers) {
      set[absl::StrCat("pcr", index)] = HexEncode(value);
    }
    sets.push_back(std::move(set));
  }
  evidence["reference_values"] = std::move(sets);
  evidence["age_seconds_max"] = policy.age_ms_max / 1000;
  return ordered_json{{"format", "sealfold-evidence-policy-1"}, {"evidence", std::move(evidence)}}
             .dump(2) +
         "\n";
}

}  // namespace sealfold
