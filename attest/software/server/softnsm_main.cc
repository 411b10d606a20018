// sealfold-softnsm: stands where the hypervisor stands, for development.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"
#include "attest/software/server/server.h"
#include "attest/software/software_verifier.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/program/command_line.h"
#include "protocol/program/program.h"
#include "protocol/program/stop_signal.h"
#include "protocol/program/wall_clock.h"

namespace sealfold {
namespace {

void LogLine(absl::string_view line) {
  std::fprintf(stderr, "sealfold-softnsm: %.*s\n", static_cast<int>(line.size()), line.data());
}

absl::Status Serve(const std::string& state_dir, const std::string& socket_path,
                   const Output& output) {
  const StopSignal stop;
  SEALFOLD_ASSIGN_OR_RETURN(Authority authority, Authority::Open(state_dir, WallMs()));
  Bytes id(8);
  FillRandom(absl::MakeSpan(id));
  Softnsm softnsm(std::move(authority), absl::StrCat("softnsm-", HexEncode(id)));
  SEALFOLD_ASSIGN_OR_RETURN(
      std::unique_ptr<SoftnsmServer> server,
      SoftnsmServer::Listen(std::move(softnsm),
                            {.socket_path = socket_path, .now_ms = WallMs, .log = LogLine}));
  LogLine(kSoftwareCaveat);
  output.Line("ready");
  output.Json("{\"event\":\"ready\"}");
  std::fflush(stdout);
  return server->Run(stop.fd());
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Signs attestation documents for programs on this machine, as a hypervisor would.\n" +
          std::string(kSoftwareCaveat) + ".",
      "sealfold-softnsm");
  std::string state_dir;
  std::string socket_path;
  bool json = false;
  CLI::App* serve = app.add_subcommand("serve", "Serve the NSM's requests on a Unix socket");
  serve
      ->add_option("--state", state_dir,
                   "Directory of root.key (kept secret) and root.pem (for participants' policies); "
                   "made when missing")
      ->required();
  serve->add_option("--socket", socket_path, "Path of the socket to serve")->required();
  serve->add_flag("--json", json, "Print JSON Lines");
  serve->footer(
      "Prints 'ready' once it listens; ends on SIGTERM.\n\n"
      "Example:\n"
      "  sealfold-softnsm serve --state ./softnsm --socket ./softnsm/nsm.sock");
  if (std::optional<int> ended = ParseCommandLine(app, argc, argv)) return *ended;
  const Output output(json);
  return output.Finish(Serve(state_dir, socket_path, output));
}

}  // namespace
}  // namespace sealfold

int main(int argc, char** argv) { return sealfold::RunProgram(sealfold::Main, argc, argv); }
