#include "examples/hospitals/programs/program.h"

#include <cstdio>
#include <utility>

#include "protocol/base/error.h"

namespace sealfold::hospitals {
namespace {

constexpr int kExitUsage = 2;
constexpr int kExitBadInput = 5;
constexpr uint64_t kCountMax = 100'000;  // of epochs and the like: beyond it stands a typing error

void PrintError(const absl::Status& status) {
  const Explanation e = Explain(status);
  std::fprintf(stderr, "error: %s [%s]\n", e.what.c_str(), e.code.c_str());
  const std::pair<const char*, const std::string&> parts[] = {
      {"expected", e.expected}, {"found", e.found}, {"do", e.advice}};
  for (const auto& [name, text] : parts) {
    if (!text.empty()) {
      std::fprintf(stderr, "  %-9s %s\n", name, text.c_str());
    }
  }
}

void AddCount(CLI::App& app, const std::string& name, uint64_t& count,
              const std::string& description) {
  app.add_option(name, count, description)
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1}, kCountMax));
}

}  // namespace

void OnRun(CLI::App& app, const std::string& example, std::function<absl::Status()> run) {
  app.footer("Example:\n  " + example);
  app.callback([run = std::move(run)] {
    const absl::Status status = run();
    if (!status.ok()) {
      PrintError(status);
      throw CLI::RuntimeError(kExitBadInput);  // how a callback of CLI11 ends a program
    }
  });
}

int RunProgram(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError& failed) {
    return failed.get_exit_code();
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      return app.exit(error);  // help was asked for
    }
    PrintError(
        BadInput({.code = "usage_wrong",
                  .what = error.what(),
                  .advice = app.get_name() + " --help, also after a verb, shows what it takes"}));
    return kExitUsage;
  }
  return 0;
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
  const std::string line =
      json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  std::printf("%s\n", line.c_str());
}

nlohmann::ordered_json MetricsJson(const Metrics& metrics) {
  return {{"patients", metrics.patients},
          {"accuracy", metrics.accuracy},
          {"auc", metrics.auc},
          {"log_loss", metrics.log_loss}};
}

}  // namespace sealfold::hospitals
