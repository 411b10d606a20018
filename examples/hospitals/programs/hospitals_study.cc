// hospitals-study: the whole study in one process and without Sealfold, and how its options were
// chosen.
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

#include "examples/hospitals/learn/study.h"
#include "examples/hospitals/programs/program.h"
#include "protocol/base/error.h"

namespace sealfold::hospitals {
namespace {

constexpr uint64_t kFolds = 5;

struct StudyCommand {
  std::string data;
  uint64_t seeds = 5;
  uint64_t rounds = kRoundsDefault;
  uint64_t concentration = SplitOptions().concentration;
  TrainingOptions options;
  bool json = false;

  absl::StatusOr<std::vector<Split>> Splits() const {
    SEALFOLD_ASSIGN_OR_RETURN(const std::vector<Patient> patients, ReadPatients(data));
    std::vector<Split> splits;
    for (uint64_t seed = 1; seed <= seeds; ++seed) {
      SEALFOLD_ASSIGN_OR_RETURN(Split split, SplitPatients(patients, {seed, concentration}));
      splits.push_back(std::move(split));
    }
    return splits;
  }

  // A seed of a study is the split's and the trainers' alike.
  TrainingOptions Seeded(uint64_t seed) const {
    TrainingOptions seeded = options;
    seeded.seed = seed;
    return seeded;
  }
};

// The mean and the standard deviation (n - 1) over seeds.
struct Spread {
  std::vector<double> values;

  double Mean() const {
    double sum = 0;
    for (const double value : values) {
      sum += value;
    }
    return sum / static_cast<double>(values.size());
  }
  double Deviation() const {
    if (values.size() < 2) {
      return 0;
    }
    double squares = 0;
    for (const double value : values) {
      squares += (value - Mean()) * (value - Mean());
    }
    return std::sqrt(squares / static_cast<double>(values.size() - 1));
  }
};

struct Row {
  std::string name;
  Spread accuracy = {};
  Spread auc = {};
  Spread log_loss = {};

  void Add(const Metrics& metrics) {
    accuracy.values.push_back(metrics.accuracy);
    auc.values.push_back(metrics.auc);
    log_loss.values.push_back(metrics.log_loss);
  }
};

nlohmann::ordered_json SpreadJson(const Spread& spread) {
  return {{"mean", spread.Mean()}, {"sd", spread.Deviation()}, {"values", spread.values}};
}

absl::Status RunCompare(const StudyCommand& command) {
  std::vector<Row> rows;
  for (const char* hospital : kHospitalNames) {
    rows.push_back({.name = std::string(hospital) + " alone"});
  }
  for (const char* name : {"alone, mean", "federated", "pooled"}) {
    rows.push_back({.name = name});
  }
  float update_max = 0;
  SEALFOLD_ASSIGN_OR_RETURN(const std::vector<Split> splits, command.Splits());
  for (uint64_t seed = 1; seed <= command.seeds; ++seed) {
    SEALFOLD_ASSIGN_OR_RETURN(const Comparison comparison,
                              Compare(splits[seed - 1], command.rounds, command.Seeded(seed)));
    for (size_t h = 0; h < kHospitals; ++h) {
      rows[h].Add(comparison.alone[h]);
    }
    rows[kHospitals].Add(comparison.AloneMean());
    rows[kHospitals + 1].Add(comparison.federated);
    rows[kHospitals + 2].Add(comparison.pooled);
    update_max = std::max(update_max, comparison.update_max);
  }
  if (command.json) {
    nlohmann::ordered_json json = {
        {"seeds", command.seeds}, {"rounds", command.rounds}, {"update_max", update_max}};
    for (const Row& row : rows) {
      json["scores"].push_back({{"name", row.name},
                                {"accuracy", SpreadJson(row.accuracy)},
                                {"auc", SpreadJson(row.auc)},
                                {"log_loss", SpreadJson(row.log_loss)}});
    }
    PrintJson(json);
    return absl::OkStatus();
  }
  std::printf("Test patients, mean and standard deviation over %zu seeds, %zu rounds\n",
              splits.size(), static_cast<size_t>(command.rounds));
  std::printf("%-13s %15s %17s %17s\n", "", "accuracy %", "AUC", "log loss");
  for (const Row& row : rows) {
    std::printf("%-13s %8.2f ± %4.2f   %6.4f ± %6.4f   %6.4f ± %6.4f\n", row.name.c_str(),
                100 * row.accuracy.Mean(), 100 * row.accuracy.Deviation(), row.auc.Mean(),
                row.auc.Deviation(), row.log_loss.Mean(), row.log_loss.Deviation());
  }
  std::printf("Greatest |element| of an update: %.4f\n", static_cast<double>(update_max));
  return absl::OkStatus();
}

// Log loss under cross-validation, mean over seeds.
struct Tried {
  TrainingOptions options;
  double alone = 0;
  double federated = 0;
  double pooled = 0;
  // By which the options are chosen: none of the three is favoured.
  double Score() const { return (alone + federated + pooled) / 3; }
};

absl::StatusOr<Tried> Try(const StudyCommand& command, const std::vector<Split>& splits,
                          TrainingOptions options) {
  Tried tried{.options = options};
  const double part = 1.0 / static_cast<double>(splits.size());
  for (size_t i = 0; i < splits.size(); ++i) {
    options.seed = i + 1;
    SEALFOLD_ASSIGN_OR_RETURN(const Comparison comparison,
                              CrossValidate(splits[i], kFolds, command.rounds, options));
    tried.alone += part * comparison.AloneMean().log_loss;
    tried.federated += part * comparison.federated.log_loss;
    tried.pooled += part * comparison.pooled.log_loss;
  }
  return tried;
}

nlohmann::ordered_json TriedJson(const Tried& tried) {
  return {{"epochs", tried.options.epochs},
          {"learning_rate", tried.options.learning_rate},
          {"l2", tried.options.l2},
          {"log_loss_alone", tried.alone},
          {"log_loss_federated", tried.federated},
          {"log_loss_pooled", tried.pooled},
          {"log_loss_mean", tried.Score()}};
}

void PrintTried(const Tried& tried) {
  std::printf("%6zu %13g %7g %9.4f %9.4f %9.4f %9.4f\n", static_cast<size_t>(tried.options.epochs),
              tried.options.learning_rate, tried.options.l2, tried.alone, tried.federated,
              tried.pooled, tried.Score());
}

absl::Status RunTune(const StudyCommand& command) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::vector<Split> splits, command.Splits());
  if (!command.json) {
    std::printf("Log loss under %d-fold cross-validation within the hospitals' training patients\n",
                static_cast<int>(kFolds));
    std::printf("%6s %13s %7s %9s %9s %9s %9s\n", "epochs", "learning rate", "l2", "alone",
                "federated", "pooled", "mean");
  }
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  Tried best;
  for (const uint64_t epochs : {1, 2, 5}) {
    for (const double learning_rate : {0.1, 0.3, 1.0, 3.0}) {
      for (const double l2 : {0.0, 0.0001, 0.001, 0.01}) {
        TrainingOptions options = command.options;
        options.epochs = epochs;
        options.learning_rate = learning_rate;
        options.l2 = l2;
        SEALFOLD_ASSIGN_OR_RETURN(const Tried tried, Try(command, splits, options));
        if (all.empty() || tried.Score() < best.Score()) {
          best = tried;
        }
        all.push_back(TriedJson(tried));
        if (!command.json) {
          PrintTried(tried);
        }
      }
    }
  }
  if (command.json) {
    PrintJson({{"tried", all}, {"best", TriedJson(best)}});
  } else {
    std::printf("Best by the mean of the three:\n");
    PrintTried(best);
  }
  return absl::OkStatus();
}

void AddStudyOptions(CLI::App& verb, StudyCommand& command) {
  verb.add_option("--data", command.data, "The data set")->required();
  verb.add_option("--seeds", command.seeds, "How many splits: seeds 1, 2, ...")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1}, uint64_t{10'000}));
  verb.add_option("--concentration", command.concentration, "As for hospitals-split")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1}, kConcentrationMax));
  AddRounds(verb, command.rounds);
  AddJson(verb, command.json);
}

}  // namespace
}  // namespace sealfold::hospitals

int main(int argc, char** argv) {
  using namespace sealfold::hospitals;  // NOLINT(google-build-using-namespace): main has nothing
                                        // else
  CLI::App app(
      "Runs the three hospitals' study in one process, without protection, as a reference.",
      "hospitals-study");
  StudyCommand command;
  CLI::App& compare =
      *app.add_subcommand("compare", "Each hospital alone, federated, pooled, over several seeds");
  AddStudyOptions(compare, command);
  AddTrainingOptions(compare, command.options);
  OnRun(compare, "hospitals-study compare --data examples/hospitals/wdbc.csv --seeds 5",
        [&] { return RunCompare(command); });
  CLI::App& tune = *app.add_subcommand("tune", "Try the trainer's options by cross-validation");
  AddStudyOptions(tune, command);
  OnRun(tune, "hospitals-study tune --data examples/hospitals/wdbc.csv --seeds 5",
        [&] { return RunTune(command); });
  return RunProgram(app, argc, argv);
}
