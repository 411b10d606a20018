#include "attest/keybroker/program/serve_command.h"

#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/keybroker/server/server.h"
#include "protocol/base/error.h"
#include "protocol/json/json_text.h"
#include "protocol/program/host_port.h"
#include "protocol/program/stop_signal.h"
#include "protocol/program/wall_clock.h"

namespace sealfold {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kStoreRetryEach{3};

// Has a broker that serves know what verbs wrote meanwhile. While that cannot be taken up, which is
// told once, keys stay as they were, and none is released to evidence: whom to trust may be what
// was changed. Tried again every few seconds at most, since anyone's request comes here. True if it
// knows the store that was written last.
std::function<bool()> Follow(const BrokerFolder& folder, StoreVersion opened, Broker& broker,
                             DecisionLog& log, const Output& output) {
  using Clock = std::chrono::steady_clock;
  return [&folder, &broker, &log, &output, seen = opened, failed = std::optional<StoreVersion>(),
          tried = Clock::time_point()]() mutable {
    const StoreVersion now = VersionOf(folder);
    if (now == seen) {
      failed.reset();
      broker.Withhold(absl::OkStatus());
      return true;
    }
    if (failed == now && Clock::now() - tried < kStoreRetryEach) return false;
    absl::StatusOr<KeyStore> store = OpenStore(folder);
    const absl::Status taken =
        store.ok() ? LogChanges(RecordsOf(broker.store()), *store, log) : store.status();
    if (taken.ok()) {
      broker.Replace(*std::move(store));
      seen = now;
      failed.reset();
      broker.Withhold(absl::OkStatus());
      return true;
    }
    if (failed != now) (void)output.Finish(About("nothing is released to evidence", taken));
    failed = now;
    tried = Clock::now();
    broker.Withhold(PeerError({.code = "store_unread",
                               .what = "key store",
                               .expected = "the one that was written last",
                               .found = "one that the broker cannot open"}));
    return false;
  };
}

}  // namespace

absl::Status ServeCommand(const BrokerFolder& folder, const ServeOptions& options,
                          const Output& output) {
  const StopSignal stop;
  const bool own = options.certificate_path.empty();
  SEALFOLD_ASSIGN_OR_RETURN(HostPort listen,
                            ParseHostPort(options.listen, "--listen", /*port_min=*/0));
  KmsServerOptions server_options{
      .host = std::move(listen.host),
      .port = listen.port,
      .certificate_path = own ? folder.certificate_path() : options.certificate_path,
      .key_path = own ? folder.key_path() : options.key_path,
      .now_ms = WallMs};
  UniqueFd store_lock;  // goes after the log
  SEALFOLD_ASSIGN_OR_RETURN(store_lock, LockStore(folder));
  SEALFOLD_ASSIGN_OR_RETURN(KeyStore store, OpenStore(folder));
  SEALFOLD_ASSIGN_OR_RETURN(DecisionLog log, DecisionLog::Open(folder.log_path()));
  SEALFOLD_RETURN_IF_ERROR(LogUnlogged(folder, store, log));
  const StoreVersion opened = VersionOf(folder);
  store_lock = UniqueFd();
  Broker broker(std::move(store),
                [&log](const Decision& decision) { return log.Append(decision); });
  const std::function<bool()> follow = Follow(folder, opened, broker, log, output);
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
  output.Json(JsonText(json({{"event", "ready"},
                             {"port", server->port()},
                             {"decisions", log.chain().size()},
                             {"head", head}})));
  std::fflush(stdout);
  SEALFOLD_RETURN_IF_ERROR(server->Run(stop.fd()));
  // What a verb wrote since the last request is in the log too: no other verb comes before its end.
  SEALFOLD_ASSIGN_OR_RETURN(store_lock, LockStore(folder));
  if (follow()) SEALFOLD_RETURN_IF_ERROR(MarkLogged(folder));
  const std::string last = log.chain().head().hex();
  output.Line(absl::StrCat("log of ", log.chain().size(), " decisions, head ", last));
  output.Json(
      JsonText(json({{"event", "stopped"}, {"decisions", log.chain().size()}, {"head", last}})));
  return absl::OkStatus();
}

absl::Status VerifyLogCommand(const std::string& folder_path, const std::string& head,
                              const Output& output) {
  std::optional<Digest> known;
  if (!head.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(known, Digest::FromHex(head));
  }
  SEALFOLD_ASSIGN_OR_RETURN(const DecisionChain chain,
                            VerifyDecisionLog(BrokerFolder{.path = folder_path}.log_path(), known));
  output.Line(
      absl::StrCat(output.Mark(true), " ", chain.size(), " decisions, head ", chain.head().hex()));
  output.Json(JsonText(json({{"decisions", chain.size()}, {"head", chain.head().hex()}})));
  return absl::OkStatus();
}

}  // namespace sealfold
