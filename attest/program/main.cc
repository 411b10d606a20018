// sealfold-attest: measures builds, makes, judges and explains evidence, enrols TPMs, writes
// evidence policies.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <optional>

#include "attest/connect/connect_attester.h"
#include "attest/program/verb.h"
#include "protocol/program/command_line.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

int Run(int argc, char** argv) {
  QuietTpmLibrary();
  CLI::App app(
      "Evidence and reference values: what a build measures and who vouches for it, whether "
      "evidence satisfies a policy, what it says.",
      "sealfold-attest");
  bool json = false;
  Verb called;
  AddMeasure(app, called);
  AddVerify(app, called);
  AddExplain(app, called);
  AddMake(app, called);
  AddEnrol(app, called);
  AddPolicy(app, called);
  AddKeygen(app, called);
  AddRelease(app, called);
  for (CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    verb->add_flag("--json", json, "Print one JSON object");
  }
  if (std::optional<int> ended = ParseCommandLine(app, argc, argv)) return *ended;
  const Output output(json);
  return output.Finish(called(output));
}

}  // namespace
}  // namespace sealfold

int main(int argc, char** argv) {
  try {
    return sealfold::Run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "internal error: %s\n", error.what());
    return 1;
  }
}
