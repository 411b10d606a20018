#include "tests/bad_evidence/index.h"

#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

using nlohmann::ordered_json;

constexpr size_t kFileSizeMax = 1 << 20;

ordered_json PolicyJson(const EvidencePolicy& policy) {
  ordered_json out = {{"platform", policy.platform}, {"root", policy.root_pem}};
  for (const Bytes& key : policy.attestation_keys) {
    out["attestation_keys"].push_back(HexEncode(key));
  }
  for (const auto& [index, value] : policy.reference_values.at(0).registers) {
    out["registers"][absl::StrCat(index)] = HexEncode(value);
  }
  return out;
}

EvidencePolicy ReadPolicy(const ordered_json& json) {
  EvidencePolicy policy{.platform = json["platform"], .root_pem = json["root"]};
  for (const ordered_json& key : json.value("attestation_keys", ordered_json::array())) {
    policy.attestation_keys.push_back(HexDecode(key.get<std::string>()).value());
  }
  ReferenceValues& values = policy.reference_values.emplace_back();
  values.name = "forged";
  for (const auto& [index, value] : json["registers"].items()) {
    values.registers[static_cast<uint32_t>(std::stoul(index))] =
        HexDecode(value.get<std::string>()).value();
  }
  return policy;
}

}  // namespace

absl::Status WriteBadEvidence(const BadEvidence& bad, const std::string& corpus,
                              const std::string& index_folder) {
  const std::filesystem::path folder = std::filesystem::path(corpus) / bad.fuzz_target;
  std::filesystem::create_directories(folder);
  std::filesystem::create_directories(index_folder);
  std::vector<std::filesystem::path> old;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (absl::StartsWith(file.path().filename().string(), "bad-")) old.push_back(file.path());
  }
  for (const std::filesystem::path& file : old) std::filesystem::remove(file);
  ordered_json cases;
  for (const BadCase& each : bad.cases) {
    SEALFOLD_CHECK(!cases.contains(each.name));
    cases[each.name] = each.error;
    SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(folder / ("bad-" + each.name), AsText(each.evidence)));
  }
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(folder / "forged-good", AsText(bad.good)));
  const ordered_json index = {{"policy", PolicyJson(bad.policy)}, {"cases", cases}};
  return WriteFileAtomic(absl::StrCat(index_folder, "/", bad.fuzz_target, ".json"),
                         absl::StrCat(index.dump(1), "\n"));
}

absl::StatusOr<BadEvidence> ReadBadEvidence(const std::string& fuzz_target,
                                            const std::string& corpus,
                                            const std::string& index_folder) {
  SEALFOLD_ASSIGN_OR_RETURN(
      const std::string text,
      ReadFile(absl::StrCat(index_folder, "/", fuzz_target, ".json"), kFileSizeMax));
  const ordered_json index = ordered_json::parse(text);
  const std::string folder = absl::StrCat(corpus, "/", fuzz_target, "/");
  BadEvidence out{.fuzz_target = fuzz_target, .policy = ReadPolicy(index["policy"])};
  SEALFOLD_ASSIGN_OR_RETURN(const std::string good, ReadFile(folder + "forged-good", kFileSizeMax));
  out.good = ToBytes(AsBytes(good));
  for (const auto& [name, error] : index["cases"].items()) {
    SEALFOLD_ASSIGN_OR_RETURN(const std::string bytes,
                              ReadFile(absl::StrCat(folder, "bad-", name), kFileSizeMax));
    out.cases.push_back({.name = name, .evidence = ToBytes(AsBytes(bytes)), .error = error});
  }
  return out;
}

}  // namespace sealfold
