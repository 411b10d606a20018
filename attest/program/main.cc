// sealfold-attest: measures builds, makes, judges and explains evidence, enrols TPMs, writes
// evidence policies.
#include <CLI/CLI.hpp>

#include "attest/connect/connect_attester.h"
#include "attest/program/verb.h"
#include "protocol/program/command_line.h"

namespace sealfold {
namespace {

int Run(int argc, char** argv) {
  QuietTpmLibrary();
  CLI::App app(
      "Evidence and reference values: what a build measures and who vouches for it, whether "
      "evidence satisfies a policy, what it says.",
      "sealfold-attest");
  Verb called;
  AddMeasure(app, called);
  AddVerify(app, called);
  AddExplain(app, called);
  AddMake(app, called);
  AddEnrol(app, called);
  AddPolicy(app, called);
  AddKeygen(app, called);
  AddRelease(app, called);
  return RunVerbs(app, called, "Print one JSON object", argc, argv);
}

}  // namespace
}  // namespace sealfold

int main(int argc, char** argv) { return sealfold::RunProgram(sealfold::Run, argc, argv); }
