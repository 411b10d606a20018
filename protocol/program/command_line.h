// How programs read their command line: what is wrong with it is told as every other error is.
#ifndef SEALFOLD_PROTOCOL_PROGRAM_COMMAND_LINE_H_
#define SEALFOLD_PROTOCOL_PROGRAM_COMMAND_LINE_H_

#include <functional>
#include <optional>

#include "protocol/program/program.h"

namespace CLI {
class App;
}

namespace sealfold {

// Reads the arguments into `app`, which has a name, its options and verbs; adds --version; where
// there are verbs, one is required, and help says how to learn about them. Nothing: go on.
// Otherwise the exit code to end with: 0 once help or version are printed; kExitUsage, with the
// error on stderr
// ("usage_wrong", "argument_unknown", "verb_unknown", the latter two suggesting the nearest; as
// JSON where --json is among the arguments); or that of the CLI::RuntimeError which a callback
// threw.
std::optional<int> ParseCommandLine(CLI::App& app, int argc, char** argv);

// What a verb does once it is the one called.
using Verb = std::function<absl::Status(const Output& output)>;

// ParseCommandLine for verbs whose callbacks set `called`, and what it was set to run. Every verb
// gets --json, which `json_help` explains. The exit code.
int RunVerbs(CLI::App& app, const Verb& called, const char* json_help, int argc, char** argv);

// What `run` returns; 1, and a line on stderr, where an exception came out of it: everything is
// wiped that the way out destroys.
int RunProgram(int (*run)(int argc, char** argv), int argc, char** argv);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_PROGRAM_COMMAND_LINE_H_
