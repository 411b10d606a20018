// sealfold-participant: a hospital's side of a federated run.
#include <CLI/CLI.hpp>
#include <csignal>

#include "participant-client/program/verb.h"
#include "protocol/program/command_line.h"
#include "protocol/zmq/frames.h"

namespace sealfold {
namespace {

int Run(int argc, char** argv) {
  CLI::App app(
      "A hospital's side of a federated run: checks what asks for its update, seals the update to "
      "that "
      "alone, and verifies what comes back.",
      "sealfold-participant");
  Verb called;
  AddKeygen(app, called);
  AddInspect(app, called);
  AddSubmit(app, called);
  AddFetch(app, called);
  AddJoin(app, called);
  AddVerify(app, called);
  return RunVerbs(app, called, "Print JSON: one object, or JSON Lines", argc, argv);
}

}  // namespace
}  // namespace sealfold

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  sealfold::KeepFreedMessages();
  return sealfold::RunProgram(sealfold::Run, argc, argv);
}
