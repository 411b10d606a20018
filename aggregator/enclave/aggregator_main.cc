// sealfold-aggregator: the trusted program.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "aggregator/core/memory/pages.h"
#include "aggregator/enclave/harden.h"
#include "aggregator/enclave/host_link.h"
#include "aggregator/enclave/serve.h"
#include "attest/attester.h"
#include "protocol/base/error.h"
#include "protocol/crypto/aead/aead.h"
#include "protocol/program/command_line.h"
#include "protocol/program/program.h"
#include "protocol/program/stop_signal.h"
#include "protocol/zmq/frames.h"

namespace sealfold {
namespace {

constexpr char kVersion[] = SEALFOLD_VERSION;
constexpr char kSoftwarePlatformName[] = "sealfold-softnsm";
constexpr char kNitroPlatformName[] = "aws-nitro";

void Note(absl::string_view line) {
  std::fprintf(stderr, "sealfold-aggregator: %.*s\n", static_cast<int>(line.size()), line.data());
}

struct ServeOptions {
  std::string host_link;
  std::string attester;
  std::string platform = kSoftwarePlatformName;
};

absl::Status PlatformUnknown(const std::string& platform) {
  return Refused({.code = "platform_unknown",
                  .what = "platform of the evidence",
                  .expected = "one that this build has",
                  .found = platform,
                  .advice = "use a build with this platform"});
}

absl::StatusOr<std::unique_ptr<Attester>> ConnectAttester(const ServeOptions& options) {
#ifdef SEALFOLD_SOFTWARE_PLATFORM
  if (options.platform == kSoftwarePlatformName) return ConnectSoftwareAttester(options.attester);
#endif
  if (options.platform == kNitroPlatformName) return OpenNsmAttester(options.attester);
  return PlatformUnknown(options.platform);
}

absl::Status ServeCommand(const ServeOptions& options, const Output& output) {
  const Hardening hardening = HardenProcess();
  KeepFreedMessages();
  KeepReleasedPages(true);
  const StopSignal stop;
  SEALFOLD_ASSIGN_OR_RETURN(std::unique_ptr<HostLink> link, HostLink::Connect(options.host_link));
  SEALFOLD_ASSIGN_OR_RETURN(std::unique_ptr<Attester> attester, ConnectAttester(options));
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
  Serve(*link, *attester, kVersion, stop.fd(), Note);
  return absl::OkStatus();
}

int Main(int argc, char** argv) {
  CLI::App app("The trusted aggregator: opens updates, folds them, signs the result.",
               "sealfold-aggregator");
  bool json = false;

  ServeOptions options;
  CLI::App* serve = app.add_subcommand("serve", "Serve rounds that the host starts");
  serve->add_option("--host-link", options.host_link, "ipc://PATH that the host listens on")
      ->required();
  serve
      ->add_option("--attester", options.attester,
                   "The attestation device: sealfold-softnsm's socket, or /dev/nsm")
      ->required();
  serve
      ->add_option("--platform", options.platform,
                   "Platform that signs the evidence: sealfold-softnsm or aws-nitro")
      ->capture_default_str();
  serve->add_flag("--json", json, "Print JSON Lines");
  serve->footer(
      "Prints 'ready' once it serves; ends on SIGTERM, with every key and update wiped. It opens "
      "no\n"
      "network port and reads no file of the host's.\n\n"
      "Example:\n"
      "  sealfold-aggregator serve --host-link ipc://./run/aggregator.sock --attester "
      "./softnsm/nsm.sock");
  if (std::optional<int> ended = ParseCommandLine(app, argc, argv)) return *ended;
  const Output output(json);
  return output.Finish(ServeCommand(options, output));
}

}  // namespace
}  // namespace sealfold

int main(int argc, char** argv) { return sealfold::Main(argc, argv); }
