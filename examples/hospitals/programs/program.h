// What the example's programs share: how they are called, how they fail.
#ifndef SEALFOLD_EXAMPLES_HOSPITALS_PROGRAMS_PROGRAM_H_
#define SEALFOLD_EXAMPLES_HOSPITALS_PROGRAMS_PROGRAM_H_

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/status.h"
#include "examples/hospitals/learn/metrics.h"
#include "examples/hospitals/learn/training.h"

namespace sealfold::hospitals {

// Has `app`, a program or one verb of it with AddJson, do `run` once its options are read, and
// `--help` show `example`.
void OnRun(CLI::App& app, const std::string& example, std::function<absl::Status()> run);

// Reads the command line and does what it asks for. Returns the exit code: 0 done, 2 usage, 5 bad
// input. An error is told on stderr: what, expected, found, what to do.
int RunProgram(CLI::App& app, int argc, char** argv);

// Options that several verbs have, each with its default and bounds.
void AddTrainingOptions(CLI::App& app, TrainingOptions& options);
void AddRounds(CLI::App& app, uint64_t& rounds);
void AddJson(CLI::App& app, bool& json);

// One line on stdout.
void PrintJson(const nlohmann::ordered_json& json);

nlohmann::ordered_json MetricsJson(const Metrics& metrics);

}  // namespace sealfold::hospitals

#endif  // SEALFOLD_EXAMPLES_HOSPITALS_PROGRAMS_PROGRAM_H_
