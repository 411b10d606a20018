#include "attest/keybroker/program/commands.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "attest/keybroker/server/server.h"
#ifdef SEALFOLD_TPM
#include "attest/keybroker/store/tpm_store.h"
#endif
#include "protocol/base/error.h"
#include "protocol/base/unique_fd.h"
#include "protocol/cbor/fields.h"
#include "protocol/crypto/hash.h"
#include "protocol/program/host_port.h"
#include "protocol/program/stop_signal.h"
#include "protocol/program/wall_clock.h"

namespace sealfold {
namespace {

using nlohmann::json;

constexpr size_t kPassphraseSizeMin = 12;
constexpr size_t kSmallFileSizeMax = 64 << 10;
constexpr std::chrono::seconds kStoreRetryEach{3};
constexpr mode_t kOthers = S_IRWXG | S_IRWXO;

std::string In(const std::string& folder, absl::string_view name) {
  return absl::StrCat(folder, "/", name);
}

// The file's text without the end of its last line.
absl::StatusOr<Secret> ReadPassphrase(const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return FileError("reading", path);
  if ((status.st_mode & kOthers) != 0) {
    return BadInput({.code = "passphrase_exposed",
                     .what = absl::StrCat("passphrase file ", path),
                     .expected = "a file that its owner alone can read",
                     .found = "one that others can",
                     .advice = absl::StrCat("chmod 600 ", path)});
  }
  SEALFOLD_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kSmallFileSizeMax));
  absl::string_view line = absl::StripTrailingAsciiWhitespace(text);
  Secret passphrase = Secret::CopyOf(AsBytes(line));
  Wipe(MutableByteSpan(reinterpret_cast<uint8_t*>(text.data()), text.size()));
  if (passphrase.size() >= kPassphraseSizeMin) return passphrase;
  return BadInput({.code = "passphrase_short",
                   .what = absl::StrCat("passphrase in ", path),
                   .expected = absl::StrCat("at least ", kPassphraseSizeMin, " characters"),
                   .found = absl::StrCat(passphrase.size())});
}

absl::StatusOr<Bytes> SealStore(const BrokerFolder& folder, const KeyStore& store) {
#ifdef SEALFOLD_TPM
  if (!folder.tpm.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(const Esys esys, Esys::Open(folder.tpm));
    return SealStoreByTpm(esys, store);
  }
#endif
  SEALFOLD_ASSIGN_OR_RETURN(const Secret passphrase, ReadPassphrase(folder.passphrase_path));
  return store.Seal(passphrase.span());
}

absl::StatusOr<KeyStore> OpenStore(const BrokerFolder& folder) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string sealed,
                            ReadFile(In(folder.path, "store.sealed"), kSealedStoreSizeMax));
#ifdef SEALFOLD_TPM
  if (!folder.tpm.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(const Esys esys, Esys::Open(folder.tpm));
    return OpenStoreByTpm(esys, AsBytes(sealed));
  }
#endif
  SEALFOLD_ASSIGN_OR_RETURN(const Secret passphrase, ReadPassphrase(folder.passphrase_path));
  return KeyStore::Open(passphrase.span(), AsBytes(sealed));
}

absl::Status WriteStore(const BrokerFolder& folder, const KeyStore& store) {
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes sealed, SealStore(folder, store));
  return WriteFileAtomic(In(folder.path, "store.sealed"), AsText(sealed), /*secret=*/true);
}

// Held while the store is read, changed and written: of two verbs at once, neither loses what the
// other made. On a file of its own, since the store's is replaced.
absl::StatusOr<UniqueFd> LockStore(const BrokerFolder& folder) {
  const std::string path = In(folder.path, "store.lock");
  UniqueFd lock(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR));
  if (!lock.valid()) return FileError("writing", path);
  while (flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return FileError("locking", path);
  }
  return lock;
}

absl::StatusOr<std::vector<TrustRecord>> TrustOf(const InitOptions& options) {
  if (!options.software_root_path.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(std::string root,
                              ReadFile(options.software_root_path, kSmallFileSizeMax));
    return std::vector<TrustRecord>{{.platform = "sealfold-softnsm", .root_pem = std::move(root)}};
  }
  std::vector<TrustRecord> trust = {{.platform = "aws-nitro"}};
  if (FindVerifier("aws-nitrotpm") != nullptr) trust.push_back({.platform = "aws-nitrotpm"});
  return trust;
}

std::string ConditionsText(const KeyRecord& key) {
  if (key.unattested) return "released without evidence";
  std::vector<std::string> parts;
  for (const Condition& each : key.conditions) {
    parts.push_back(absl::StrCat(each.key, "=", absl::StrJoin(each.values, "|")));
  }
  return absl::StrJoin(parts, " ");
}

// Which file the store is: another one once a verb has written it.
struct StoreVersion {
  ino_t inode = 0;
  int64_t changed_s = 0, changed_ns = 0;
  bool operator==(const StoreVersion&) const = default;
};
StoreVersion VersionOf(const BrokerFolder& folder) {
  struct stat status = {};
  if (stat(In(folder.path, "store.sealed").c_str(), &status) != 0) return {};
  return {.inode = status.st_ino,
          .changed_s = status.st_ctim.tv_sec,
          .changed_ns = status.st_ctim.tv_nsec};
}

// What the log says of whom to trust from now on: a line for each platform that is not as `before`.
// The digest of what the store keeps of it stands where evidence's would.
absl::Status LogTrust(const std::vector<TrustRecord>& before, const std::vector<TrustRecord>& after,
                      DecisionLog& log) {
  const auto text = [](const TrustRecord& record) {
    StoredTrust stored = Store(record);
    return cbor::EncodeFields(stored);
  };
  for (const TrustRecord& each : after) {
    const Bytes now = text(each);
    if (std::any_of(before.begin(), before.end(),
                    [&](const TrustRecord& other) { return text(other) == now; })) {
      continue;
    }
    SEALFOLD_RETURN_IF_ERROR(log.Append({.time_ms = WallMs(),
                                         .operation = "SetRevocation",
                                         .evidence = Sha256(now).hex(),
                                         .platform = each.platform,
                                         .allowed = true}));
  }
  return absl::OkStatus();
}

// Has a broker that serves know what verbs wrote meanwhile. While that cannot be taken up, which is
// told once, keys stay as they were, and none is released to evidence: whom to trust may be what
// was changed. Tried again every few seconds at most, since anyone's request comes here.
std::function<void()> Follow(const BrokerFolder& folder, StoreVersion opened, Broker& broker,
                             DecisionLog& log, const Output& output) {
  using Clock = std::chrono::steady_clock;
  return [&folder, &broker, &log, &output, seen = opened, failed = std::optional<StoreVersion>(),
          tried = Clock::time_point()]() mutable {
    const StoreVersion now = VersionOf(folder);
    if (now == seen) {
      failed.reset();
      return broker.Withhold(absl::OkStatus());
    }
    if (failed == now && Clock::now() - tried < kStoreRetryEach) return;
    absl::StatusOr<KeyStore> store = OpenStore(folder);
    const absl::Status taken =
        store.ok() ? LogTrust(broker.store().trust(), store->trust(), log) : store.status();
    if (taken.ok()) {
      broker.Replace(*std::move(store));
      seen = now;
      failed.reset();
      return broker.Withhold(absl::OkStatus());
    }
    if (failed != now) (void)output.Finish(About("nothing is released to evidence", taken));
    failed = now;
    tried = Clock::now();
    broker.Withhold(PeerError({.code = "store_unread",
                               .what = "key store",
                               .expected = "the one that was written last",
                               .found = "one that the broker cannot open"}));
  };
}

std::string ReleasesText(const KeyRecord& key) {
  if (!key.releases.has_value()) return "";
  return absl::StrCat(" by ", key.releases->subject, " version ", key.releases->version,
                      ", signed by ", key.releases->k, " of ", key.releases->signers.size());
}

absl::StatusOr<Release> ReadRelease(const std::string& path) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kReleaseFileSizeMax));
  return OpenRelease(AsBytes(bytes));
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
  const ReferenceValues values = ReleaseValues(release, key.releases->platform).value();
  for (const auto& [index, value] : values.registers) {
    decision.registers[index] = HexEncode(value);
  }
  return decision;
}

void TellReleased(const KeyRecord& key, const Output& output) {
  output.Line(absl::StrCat("key ", KeyIdText(key.id), " alias/", key.name, ReleasesText(key)));
  output.Json(json({{"key_id", KeyIdText(key.id)},
                    {"alias", absl::StrCat("alias/", key.name)},
                    {"version", key.releases->version}})
                  .dump());
}

void TellTrust(const KeyStore& store, const Output& output) {
  for (const TrustRecord& each : store.trust()) {
    const RevocationLists none;
    const RevocationLists& revocation = each.revocation == nullptr ? none : *each.revocation;
    const char* demand = CborEnumNames(revocation.demand)[static_cast<size_t>(revocation.demand)];
    json lists = json::array();
    output.Line(absl::StrCat(
        "takes evidence of ", each.platform, "; revocation lists: ", revocation.lists.size(),
        ", demanded: ", demand, revocation.accept_expired ? ", expired ones too" : ""));
    for (const RevocationList& list : revocation.lists) {
      output.Line(absl::StrCat("  list of ", list.Issuer()));
      lists.push_back(list.Issuer());
    }
    output.Json(json({{"platform", each.platform},
                      {"revocation_lists", lists},
                      {"accept_expired", revocation.accept_expired},
                      {"demand", demand}})
                    .dump());
  }
}

}  // namespace

absl::Status InitCommand(const BrokerFolder& folder, const InitOptions& options,
                         const Output& output) {
  const std::string path = In(folder.path, "store.sealed");
  std::error_code error;
  std::filesystem::create_directories(folder.path, error);
  SEALFOLD_ASSIGN_OR_RETURN(const UniqueFd lock, LockStore(folder));
  if (std::filesystem::exists(path, error)) {
    return BadInput({.code = "store_exists",
                     .what = absl::StrCat("key store ", path),
                     .expected = "none yet",
                     .found = "one",
                     .advice = "take another folder: its keys would be lost"});
  }
  SEALFOLD_ASSIGN_OR_RETURN(std::vector<TrustRecord> trust, TrustOf(options));
  SEALFOLD_ASSIGN_OR_RETURN(const KeyStore store, KeyStore::Create(std::move(trust)));
  const SelfMadeCertificate certificate = MakeCertificate(options.hosts, WallMs());
  SEALFOLD_RETURN_IF_ERROR(WriteFileAtomic(In(folder.path, "tls.key"),
                                           AsText(certificate.key_pem.span()), /*secret=*/true));
  SEALFOLD_RETURN_IF_ERROR(
      WriteFileAtomic(In(folder.path, "tls.pem"), certificate.certificate_pem));
  SEALFOLD_RETURN_IF_ERROR(DecisionLog::Open(In(folder.path, "decisions.log")).status());
  SEALFOLD_RETURN_IF_ERROR(WriteStore(folder, store));
  json platforms = json::array();
  for (const TrustRecord& each : store.trust()) {
    platforms.push_back(each.platform);
    output.Line(absl::StrCat("takes evidence of ", each.platform));
  }
  output.Line(absl::StrCat("certificate for clients: ", In(folder.path, "tls.pem")));
  output.Json(json({{"platforms", platforms}, {"certificate", In(folder.path, "tls.pem")}}).dump());
  return absl::OkStatus();
}

absl::Status CreateKeyCommand(const BrokerFolder& folder, const std::string& name,
                              const std::vector<std::string>& conditions, bool unattested,
                              const Output& output) {
  std::vector<Condition> read;
  for (const std::string& each : conditions) {
    SEALFOLD_RETURN_IF_ERROR(AddCondition(each, read));
  }
  SEALFOLD_ASSIGN_OR_RETURN(const UniqueFd lock, LockStore(folder));
  SEALFOLD_ASSIGN_OR_RETURN(KeyStore store, OpenStore(folder));
  SEALFOLD_ASSIGN_OR_RETURN(const KeyId id, store.AddKey(name, unattested, std::move(read)));
  SEALFOLD_RETURN_IF_ERROR(WriteStore(folder, store));
  output.Line(absl::StrCat("key ", KeyIdText(id), " alias/", name));
  if (unattested) output.Line(output.Warn("released to any caller, without evidence"));
  output.Json(json({{"key_id", KeyIdText(id)}, {"alias", absl::StrCat("alias/", name)}}).dump());
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
  SEALFOLD_ASSIGN_OR_RETURN(const UniqueFd lock, LockStore(folder));
  SEALFOLD_ASSIGN_OR_RETURN(KeyStore store, OpenStore(folder));
  SEALFOLD_ASSIGN_OR_RETURN(const KeyId id,
                            store.AddReleasedKey(name, std::move(releases), release));
  SEALFOLD_RETURN_IF_ERROR(WriteStore(folder, store));
  TellReleased(*store.FindKey(id), output);
  return absl::OkStatus();
}

absl::Status ApplyReleaseCommand(const BrokerFolder& folder, const std::string& name,
                                 const std::string& release_path, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(const Release release, ReadRelease(release_path));
  SEALFOLD_ASSIGN_OR_RETURN(const UniqueFd lock, LockStore(folder));
  SEALFOLD_ASSIGN_OR_RETURN(KeyStore store, OpenStore(folder));
  SEALFOLD_RETURN_IF_ERROR(store.ApplyRelease(name, release));
  const KeyRecord& key = *store.FindKey(absl::StrCat("alias/", name));
  // The store is written first: a line without its change would say what is not so, a change
  // without its line shows when the release is applied again.
  SEALFOLD_ASSIGN_OR_RETURN(DecisionLog log, DecisionLog::Open(In(folder.path, "decisions.log")));
  SEALFOLD_RETURN_IF_ERROR(WriteStore(folder, store));
  SEALFOLD_RETURN_IF_ERROR(log.Append(ReleaseDecision(key, release)));
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
    output.Json(line.dump());
  }
  return absl::OkStatus();
}

absl::Status CreateCallerCommand(const BrokerFolder& folder, const std::string& name,
                                 const std::string& out_path, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(const UniqueFd lock, LockStore(folder));
  SEALFOLD_ASSIGN_OR_RETURN(KeyStore store, OpenStore(folder));
  SEALFOLD_ASSIGN_OR_RETURN(const std::string id, store.AddCaller(name));
  std::string credential =
      absl::StrCat("{\"format\": \"sealfold-access-key-1\", \"access_key_id\": \"", id,
                   "\", \"secret_access_key\": \"",
                   AsText(store.SecretOf(*store.FindCaller(id)).span()), "\"}\n");
  const absl::Status written = WriteFileAtomic(out_path, credential, /*secret=*/true);
  Wipe(MutableByteSpan(reinterpret_cast<uint8_t*>(credential.data()), credential.size()));
  SEALFOLD_RETURN_IF_ERROR(written);
  SEALFOLD_RETURN_IF_ERROR(WriteStore(folder, store));
  output.Line(absl::StrCat("access key ", id, " of ", name, " in ", out_path));
  output.Json(json({{"access_key_id", id}, {"name", name}, {"file", out_path}}).dump());
  return absl::OkStatus();
}

absl::Status ListCallersCommand(const BrokerFolder& folder, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(const KeyStore store, OpenStore(folder));
  for (const CallerRecord& caller : store.callers()) {
    output.Line(absl::StrCat(caller.access_key_id, " ", caller.name));
    output.Json(json({{"access_key_id", caller.access_key_id}, {"name", caller.name}}).dump());
  }
  return absl::OkStatus();
}

absl::Status SetRevocationCommand(const BrokerFolder& folder, const RevocationOptions& options,
                                  const Output& output) {
  const std::optional<ListDemand> demand = ListDemandNamed(options.demand);
  if (!demand.has_value()) {
    return BadInput({.code = "usage_wrong",
                     .what = "--demand",
                     .expected = absl::StrJoin(CborEnumNames(ListDemand()), ", "),
                     .found = options.demand});
  }
  RevocationLists revocation{.accept_expired = options.accept_expired, .demand = *demand};
  for (const std::string& path : options.list_paths) {
    SEALFOLD_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path, kRevocationListBytesMax));
    absl::StatusOr<RevocationList> list = RevocationList::Parse(AsBytes(bytes));
    if (!list.ok()) return About(path, list.status());
    revocation.lists.push_back(*std::move(list));
  }
  const bool none = revocation.lists.empty() && *demand == ListDemand::kNone;
  SEALFOLD_ASSIGN_OR_RETURN(const UniqueFd lock, LockStore(folder));
  SEALFOLD_ASSIGN_OR_RETURN(KeyStore store, OpenStore(folder));
  const std::vector<TrustRecord> before = store.trust();
  SEALFOLD_RETURN_IF_ERROR(store.SetRevocation(
      options.platform,
      none ? nullptr : std::make_shared<const RevocationLists>(std::move(revocation))));
  // A broker that serves holds the log, and writes the line when it takes the store up.
  absl::StatusOr<DecisionLog> log = DecisionLog::Open(In(folder.path, "decisions.log"));
  if (!log.ok() && ErrorCode(log.status()) != "log_in_use") return log.status();
  SEALFOLD_RETURN_IF_ERROR(WriteStore(folder, store));
  if (log.ok()) SEALFOLD_RETURN_IF_ERROR(LogTrust(before, store.trust(), *log));
  TellTrust(store, output);
  return absl::OkStatus();
}

absl::Status ListTrustCommand(const BrokerFolder& folder, const Output& output) {
  SEALFOLD_ASSIGN_OR_RETURN(const KeyStore store, OpenStore(folder));
  TellTrust(store, output);
  return absl::OkStatus();
}

absl::Status ServeCommand(const BrokerFolder& folder, const ServeOptions& options,
                          const Output& output) {
  const StopSignal stop;
  const bool own = options.certificate_path.empty();
  SEALFOLD_ASSIGN_OR_RETURN(HostPort listen,
                            ParseHostPort(options.listen, "--listen", /*port_min=*/0));
  KmsServerOptions server_options{
      .host = std::move(listen.host),
      .port = listen.port,
      .certificate_path = own ? In(folder.path, "tls.pem") : options.certificate_path,
      .key_path = own ? In(folder.path, "tls.key") : options.key_path,
      .now_ms = WallMs};
  UniqueFd store_lock;  // goes after the log
  const StoreVersion opened = VersionOf(folder);
  SEALFOLD_ASSIGN_OR_RETURN(KeyStore store, OpenStore(folder));
  SEALFOLD_ASSIGN_OR_RETURN(DecisionLog log, DecisionLog::Open(In(folder.path, "decisions.log")));
  Broker broker(std::move(store),
                [&log](const Decision& decision) { return log.Append(decision); });
  std::function<void()> follow = Follow(folder, opened, broker, log, output);
  server_options.before_answer = [&follow] { follow(); };
  SEALFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<KmsServer> server,
                            KmsServer::Listen(broker, std::move(server_options)));
  for (const TrustRecord& each : broker.store().trust()) {
    if (!each.root_pem.empty()) {
      output.Line(
          output.Warn(absl::StrCat("takes evidence of ", each.platform, ": for development only")));
    }
  }
  const std::string head = log.chain().head().hex();
  output.Line(absl::StrCat("log of ", log.chain().size(), " decisions, head ", head));
  output.Line(absl::StrCat("ready on port ", server->port()));
  output.Json(json({{"event", "ready"},
                    {"port", server->port()},
                    {"decisions", log.chain().size()},
                    {"head", head}})
                  .dump());
  std::fflush(stdout);
  SEALFOLD_RETURN_IF_ERROR(server->Run(stop.fd()));
  // What a verb wrote since the last request is in the log too: no other verb comes before its end.
  SEALFOLD_ASSIGN_OR_RETURN(store_lock, LockStore(folder));
  follow();
  const std::string last = log.chain().head().hex();
  output.Line(absl::StrCat("log of ", log.chain().size(), " decisions, head ", last));
  output.Json(
      json({{"event", "stopped"}, {"decisions", log.chain().size()}, {"head", last}}).dump());
  return absl::OkStatus();
}

absl::Status VerifyLogCommand(const std::string& folder_path, const std::string& head,
                              const Output& output) {
  std::optional<Digest> known;
  if (!head.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(known, Digest::FromHex(head));
  }
  SEALFOLD_ASSIGN_OR_RETURN(const DecisionChain chain,
                            VerifyDecisionLog(In(folder_path, "decisions.log"), known));
  output.Line(
      absl::StrCat(output.Mark(true), " ", chain.size(), " decisions, head ", chain.head().hex()));
  output.Json(json({{"decisions", chain.size()}, {"head", chain.head().hex()}}).dump());
  return absl::OkStatus();
}

}  // namespace sealfold
