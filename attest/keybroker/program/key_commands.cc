#include "attest/keybroker/program/key_commands.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/json/json_text.h"
#include "protocol/program/wall_clock.h"

namespace sealfold {
namespace {

using nlohmann::json;

absl::Status StoreIn(absl::StatusOr<KeyId> made, KeyId& id) {
  if (made.ok()) id = *made;
  return made.status();
}

std::string ConditionsText(const KeyRecord& key) {
  if (key.unattested) return "released without evidence";
  std::vector<std::string> parts;
  for (const Condition& each : key.conditions) {
    parts.push_back(absl::StrCat(each.key, "=", absl::StrJoin(each.values, "|")));
  }
  return absl::StrJoin(parts, " ");
}

std::string ReleasesText(const KeyRecord& key) {
  if (!key.releases.has_value()) return "";
  return absl::StrCat(" by ", key.releases->subject, " version ", key.releases->version,
                      ", signed by ", key.releases->k, " of ", key.releases->signers.size());
}

absl::StatusOr<Release> ReadRelease(const std::string& path) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kReleaseFileSizeMax));
  absl::StatusOr<Release> release = OpenRelease(AsBytes(bytes));
  if (!release.ok()) return About(path, release.status());
  return release;
}

// What the log says of a key whose conditions are now a release's: the digest of the statement
// stands where evidence's would.
Decision ReleaseDecision(const KeyRecord& key, const Release& release) {
  Decision decision{.time_ms = WallMs(),
                    .operation = "ApplyRelease",
                    .key = KeyIdText(key.id),
                    .evidence = Sha256(release.statement_bytes).hex(),
                    .platform = key.releases->platform,
                    .allowed = true};
  // One set: such are the releases that keys take.
  const std::vector<ReferenceValues> sets = ReleaseValues(release, key.releases->platform).value();
  for (const auto& [index, value] : sets.front().registers) {
    decision.registers[index] = HexEncode(value);
  }
  return decision;
}

void TellReleased(const KeyRecord& key, const Output& output) {
  output.Line(absl::StrCat("key ", KeyIdText(key.id), " alias/", key.name, ReleasesText(key)));
  output.Json(JsonText(json({{"key_id", KeyIdText(key.id)},
                             {"alias", absl::StrCat("alias/", key.name)},
                             {"version", key.releases->version}})));
}

}  // namespace

absl::Status CreateKeyCommand(const BrokerFolder& folder, const std::string& name,
                              const std::vector<std::string>& conditions, bool unattested,
                              const Output& output) {
  std::vector<Condition> read;
  for (const std::string& each : conditions) {
    SEALFOLD_RETURN_IF_ERROR(AddCondition(each, read));
  }
  KeyId id;
  SEALFOLD_RETURN_IF_ERROR(ChangeStore(folder, [&](KeyStore& store) {
                             return StoreIn(store.AddKey(name, unattested, std::move(read)), id);
                           }).status());
  output.Line(absl::StrCat("key ", KeyIdText(id), " alias/", name));
  if (unattested) output.Line(output.Warn("released to any caller, without evidence"));
  output.Json(JsonText(json({{"key_id", KeyIdText(id)}, {"alias", absl::StrCat("alias/", name)}})));
  return absl::OkStatus();
}

absl::Status CreateReleasedKeyCommand(const BrokerFolder& folder, const std::string& name,
                                      const ReleasedKeyOptions& options, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(const Release release, ReadRelease(options.release_path));
  KeyReleases releases{
      .platform = options.platform, .subject = release.statement.subject, .k = options.k};
  for (const std::string& hex : options.signers) {
    SEALFOLD_ASSIGN_OR_RETURN(releases.signers.emplace_back(), SigningPublicKey::FromHex(hex));
  }
  if (!options.log_key.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(releases.log_key, SigningPublicKey::FromHex(options.log_key));
  }
  KeyId id;
  SEALFOLD_ASSIGN_OR_RETURN(const KeyStore store, ChangeStore(folder, [&](KeyStore& changed) {
                              return StoreIn(
                                  changed.AddReleasedKey(name, std::move(releases), release), id);
                            }));
  TellReleased(*store.FindKey(id), output);
  return absl::OkStatus();
}

absl::Status ApplyReleaseCommand(const BrokerFolder& folder, const std::string& name,
                                 const std::string& release_path, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(const Release release, ReadRelease(release_path));
  SEALFOLD_ASSIGN_OR_RETURN(const UniqueFd lock, LockStore(folder));
  SEALFOLD_ASSIGN_OR_RETURN(KeyStore store, OpenStore(folder));
  SEALFOLD_ASSIGN_OR_RETURN(DecisionLog log, DecisionLog::Open(folder.log_path()));
  SEALFOLD_RETURN_IF_ERROR(LogUnlogged(folder, store, log));
  SEALFOLD_RETURN_IF_ERROR(store.ApplyRelease(name, release));
  const KeyRecord& key = *store.FindKey(absl::StrCat("alias/", name));
  // The store first: a line without its change would say what is not so.
  SEALFOLD_RETURN_IF_ERROR(WriteStore(folder, store));
  SEALFOLD_RETURN_IF_ERROR(log.Append(ReleaseDecision(key, release)));
  SEALFOLD_RETURN_IF_ERROR(MarkLogged(folder));
  output.Line(
      absl::StrCat("log of ", log.chain().size(), " decisions, head ", log.chain().head().hex()));
  TellReleased(key, output);
  return absl::OkStatus();
}

absl::Status ListKeysCommand(const BrokerFolder& folder, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(const KeyStore store, OpenStore(folder));
  for (const KeyRecord& key : store.keys()) {
    output.Line(absl::StrCat(KeyIdText(key.id), " alias/", key.name, " ", ConditionsText(key),
                             ReleasesText(key)));
    json conditions = json::object();
    for (const Condition& each : key.conditions) conditions[each.key] = each.values;
    json line = {{"key_id", KeyIdText(key.id)},
                 {"alias", absl::StrCat("alias/", key.name)},
                 {"unattested", key.unattested},
                 {"conditions", conditions}};
    if (key.releases.has_value()) line["version"] = key.releases->version;
    output.Json(JsonText(line));
  }
  return absl::OkStatus();
}

}  // namespace sealfold
