#include "examples/hospitals/programs/program.h"

#include <cstdio>
#include <utility>

#include "protocol/json/json_text.h"
#include "protocol/program/command_line.h"
#include "protocol/program/program.h"

namespace sealfold::hospitals {
namespace {

constexpr uint64_t kCountMax = 100'000;  // of epochs and the like: beyond it stands a typing error

void AddCount(CLI::App& app, const std::string& name, uint64_t& count,
              const std::string& description) {
  app.add_option(name, count, description)
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1}, kCountMax));
}

}  // namespace

void OnRun(CLI::App& app, const std::string& example, std::function<absl::Status()> run) {
  app.footer("Example:\n  " + example);
  app.callback([&app, run = std::move(run)] {
    const Output output(app.get_option("--json")->as<bool>());
    const int code = output.Finish(run());
    if (code != kExitDone) throw CLI::RuntimeError(code);  // how a callback of CLI11 ends a program
  });
}

int RunProgram(CLI::App& app, int argc, char** argv) {
  return ParseCommandLine(app, argc, argv).value_or(kExitDone);
}

void AddTrainingOptions(CLI::App& app, TrainingOptions& options) {
  AddCount(app, "--epochs", options.epochs, "Passes over the patients in each round");
  AddCount(app, "--batch", options.batch_examples, "Patients in a step of the descent");
  app.add_option("--learning-rate", options.learning_rate, "Length of a step along the gradient")
      ->capture_default_str()
      ->check(CLI::Range(1e-9, 1e3));
  app.add_option("--l2", options.l2,
                 "Weight decay: half of it times |weights|^2 is added to the loss")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e3));
  app.add_option("--seed", options.seed, "Orders the patients, together with the round")
      ->capture_default_str();
}

void AddRounds(CLI::App& app, uint64_t& rounds) {
  AddCount(app, "--rounds", rounds, "Rounds of --epochs passes each");
}

void AddJson(CLI::App& app, bool& json) {
  app.add_flag("--json", json, "Print one JSON object instead of text");
}

void PrintJson(const nlohmann::ordered_json& json) {
  // A path need not be UTF-8; what is not shows as U+FFFD.
  const std::string line = JsonText(json);
  std::printf("%s\n", line.c_str());
}

nlohmann::ordered_json MetricsJson(const Metrics& metrics) {
  return {{"patients", metrics.patients},
          {"accuracy", metrics.accuracy},
          {"auc", metrics.auc},
          {"log_loss", metrics.log_loss}};
}

}  // namespace sealfold::hospitals
