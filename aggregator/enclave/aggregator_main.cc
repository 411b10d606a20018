// sealfold-aggregator: the trusted program.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregator/core/memory/pages.h"
#include "aggregator/enclave/harden.h"
#include "aggregator/enclave/host_link.h"
#include "aggregator/enclave/key_link.h"
#include "aggregator/enclave/serve.h"
#include "attest/connect/attester_options.h"
#include "attest/connect/shared_attester.h"
#include "protocol/base/error.h"
#include "protocol/crypto/aead/aead.h"
#include "protocol/program/command_line.h"
#include "protocol/program/program.h"
#include "protocol/program/stop_signal.h"
#include "protocol/zmq/frames.h"

namespace sealfold {
namespace {

constexpr char kVersion[] = SEALFOLD_VERSION;

void Note(absl::string_view line) {
  std::fprintf(stderr, "sealfold-aggregator: %.*s\n", static_cast<int>(line.size()), line.data());
}

struct ServeOptions {
  std::string host_link;
  AttesterSettings attester;
  KeySettings keys;
  std::string key_ca_path;
};

constexpr size_t kCaSizeMax = 1 << 20;

// Null where no key service is named.
absl::StatusOr<std::unique_ptr<KeyLink>> MakeKeyLink(const ServeOptions& options,
                                                     const SharedAttester& attester) {
  if (options.keys.key_id.empty()) return nullptr;
  KeySettings settings = options.keys;
  SEALFOLD_ASSIGN_OR_RETURN(settings.service.ca_pem, ReadFile(options.key_ca_path, kCaSizeMax));
  SEALFOLD_RETURN_IF_ERROR(CheckKeySettings(settings));
  return std::make_unique<KeyLink>(
      std::move(settings),
      [attester, its = options.attester]() -> absl::StatusOr<std::unique_ptr<Attester>> {
        if (!AsksOverOneConnection(its)) return ConnectAttester(its);
        return std::make_unique<SharedAttester>(attester);
      });
}

absl::Status ServeCommand(const ServeOptions& options, const Output& output) {
  const Hardening hardening = HardenProcess();
  KeepFreedMessages();
  KeepReleasedPages(true);
  const StopSignal stop;
  SEALFOLD_ASSIGN_OR_RETURN(std::unique_ptr<HostLink> link, HostLink::Connect(options.host_link));
  SEALFOLD_ASSIGN_OR_RETURN(std::unique_ptr<Attester> connected, ConnectAttester(options.attester));
  SharedAttester attester(std::move(connected));
  SEALFOLD_ASSIGN_OR_RETURN(const std::unique_ptr<KeyLink> keys, MakeKeyLink(options, attester));
  if (!hardening.memory_locked) {
    Note(
        "the system does not let all memory be locked (RLIMIT_MEMLOCK): what does not fit its "
        "limit "
        "may be swapped");
  }
  // Asked before there is anything to do, so that the libraries are timed undisturbed.
  Note(absl::StrCat("AES-256-GCM by ", AeadLibrary(AeadId::kAes256Gcm), ", ChaCha20-Poly1305 by ",
                    AeadLibrary(AeadId::kChaCha20Poly1305)));
  output.Line("ready");
  output.Json("{\"event\":\"ready\"}");
  std::fflush(stdout);
  Serve(*link, attester, kVersion, stop.fd(), Note, keys.get());
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  QuietTpmLibrary();
  CLI::App app("The trusted aggregator: opens updates, folds them, signs the result.",
               "sealfold-aggregator");
  bool json = false;

  ServeOptions options;
  CLI::App* serve = app.add_subcommand("serve", "Serve rounds that the host starts");
  serve->add_option("--host-link", options.host_link, "ipc://PATH that the host listens on")
      ->required();
  AddAttesterOptions(*serve, options.attester);
  CLI::Option* key_host =
      serve->add_option("--key-service", options.keys.service.host,
                        "Name or address of the key service that releases the key of its state: a "
                        "sealfold-keybroker or AWS KMS");
  CLI::Option* key_ca = serve->add_option(
      "--key-service-ca", options.key_ca_path,
      "Certificates that lead to the key service's, PEM, of this program's own image");
  CLI::Option* key_id = serve->add_option("--key", options.keys.key_id,
                                          "The key: alias/NAME or an id; at AWS its ARN");
  serve->add_option("--key-service-port", options.keys.port, "Its port")->capture_default_str();
  serve->add_option("--key-service-region", options.keys.region, "Its region, in signatures")
      ->capture_default_str();
  for (CLI::Option* each : {key_host, key_ca, key_id}) {
    for (CLI::Option* other : {key_host, key_ca, key_id}) {
      if (each != other) each->needs(other);
    }
  }
  serve->add_flag("--json", json, "Print JSON Lines");
  serve->footer(
      "Prints 'ready' once it serves; ends on SIGTERM, with every key and update wiped. It opens "
      "no\n"
      "network port and reads no file of the host's. With a key service, state is sealed, kept by\n"
      "the host and opened after a restart; the host relays to the service, and serves with\n"
      "--key-service and --key-access.\n\n"
      "Example:\n"
      "  sealfold-aggregator serve --host-link ipc://./run/aggregator.sock --attester "
      "./softnsm/nsm.sock");
  if (std::optional<int> ended = ParseCommandLine(app, argc, argv)) return *ended;
  const Output output(json);
  return output.Finish(ServeCommand(options, output));
}

}  // namespace
}  // namespace sealfold

int main(int argc, char** argv) { return sealfold::RunProgram(sealfold::Main, argc, argv); }
