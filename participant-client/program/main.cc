// sealfold-participant: a hospital's side of a federated run.
#include <CLI/CLI.hpp>
#include <csignal>
#include <exception>

#include "participant-client/program/verb.h"
#include "protocol/program/command_line.h"
#include "protocol/program/program.h"
#include "protocol/zmq/frames.h"

namespace sealfold {
namespace {

int Run(int argc, char** argv) {
  CLI::App app(
      "A hospital's side of a federated run: checks what asks for its update, seals the update to "
      "that "
      "alone, and verifies what comes back.",
      "sealfold-participant");
  bool json = false;
  Verb called;
  AddKeygen(app, called);
  AddInspect(app, called);
  AddSubmit(app, called);
  AddFetch(app, called);
  AddJoin(app, called);
  AddVerify(app, called);
  for (CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    verb->add_flag("--json", json, "Print JSON: one object, or JSON Lines");
  }
  if (std::optional<int> ended = ParseCommandLine(app, argc, argv)) return *ended;
  const Output output(json);
  return output.Finish(called(output));
}

}  // namespace
}  // namespace sealfold

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  sealfold::KeepFreedMessages();
  try {
    return sealfold::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "internal error: %s\n", error.what());
    return 1;
  }
}
