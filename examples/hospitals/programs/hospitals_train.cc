// hospitals-train: a hospital's trainer. It knows files only: a global model in, an update out.
#include <cstdio>
#include <vector>

#include "absl/strings/str_cat.h"
#include "examples/hospitals/learn/model_file.h"
#include "examples/hospitals/programs/program.h"
#include "protocol/base/error.h"

namespace sealfold::hospitals {
namespace {

// All the patients of these files, as one set. BadInput ("patients_none") if there are none.
absl::StatusOr<Examples> ReadExamples(const std::vector<std::string>& paths) {
  std::vector<Patient> all;
  for (const std::string& path : paths) {
    SEALFOLD_ASSIGN_OR_RETURN(const std::vector<Patient> patients, ReadPatients(path));
    all.insert(all.end(), patients.begin(), patients.end());
  }
  if (all.empty()) {
    return BadInput({.code = "patients_none",
                     .what = paths.front(),
                     .expected = "at least one patient",
                     .found = "none"});
  }
  return ScaledExamples(all);
}

absl::Status CheckFinite(const StoredParameters& trained) {
  if (trained.allFinite()) {
    return absl::OkStatus();
  }
  return BadInput({.code = "training_diverged",
                   .what = "training",
                   .expected = "finite weights",
                   .found = "a NaN or an infinity",
                   .advice = "choose a smaller --learning-rate"});
}

// One round at one hospital: `train`.
struct TrainCommand {
  std::string data;
  std::string model;
  std::string update;
  uint64_t round = 1;
  TrainingOptions options;
  bool json = false;

  absl::Status Run() const {
    SEALFOLD_ASSIGN_OR_RETURN(const Examples examples, ReadExamples({data}));
    SEALFOLD_ASSIGN_OR_RETURN(const StoredParameters global, ReadModel(model));
    const StoredParameters change = LocalUpdate(global, examples, round, options);
    SEALFOLD_RETURN_IF_ERROR(CheckFinite(change));
    SEALFOLD_RETURN_IF_ERROR(
        WriteModel(update, change, {{"num_examples", absl::StrCat(examples.size())}}));
    const StoredParameters trained = global + change;
    const double before = LogLoss(global.cast<double>(), examples);
    const double after = LogLoss(trained.cast<double>(), examples);
    const float update_max = change.cwiseAbs().maxCoeff();
    if (json) {
      PrintJson({{"round", round},
                 {"num_examples", examples.size()},
                 {"log_loss_before", before},
                 {"log_loss_after", after},
                 {"update_max", update_max},
                 {"update", update}});
    } else {
      std::printf("round %llu: %lld patients, log loss %.4f -> %.4f, greatest change %.4f\n",
                  static_cast<unsigned long long>(round), static_cast<long long>(examples.size()),
                  before, after, static_cast<double>(update_max));
    }
    return absl::OkStatus();
  }
};

// What federated training is measured against: `alone`, `pooled`.
struct BaselineCommand {
  std::vector<std::string> data;
  std::string model;
  std::string out;
  uint64_t rounds = kRoundsDefault;
  TrainingOptions options;
  bool json = false;

  absl::Status Run() const {
    SEALFOLD_ASSIGN_OR_RETURN(const Examples examples, ReadExamples(data));
    SEALFOLD_ASSIGN_OR_RETURN(const StoredParameters initial, ReadModel(model));
    const StoredParameters trained = TrainAlone(initial, examples, rounds, options);
    SEALFOLD_RETURN_IF_ERROR(CheckFinite(trained));
    SEALFOLD_RETURN_IF_ERROR(WriteModel(out, trained, {}));
    const double before = LogLoss(initial.cast<double>(), examples);
    const double after = LogLoss(trained.cast<double>(), examples);
    if (json) {
      PrintJson({{"rounds", rounds},
                 {"num_examples", examples.size()},
                 {"log_loss_before", before},
                 {"log_loss_after", after},
                 {"model", out}});
    } else {
      std::printf("%llu rounds: %lld patients, log loss %.4f -> %.4f\n",
                  static_cast<unsigned long long>(rounds), static_cast<long long>(examples.size()),
                  before, after);
    }
    return absl::OkStatus();
  }
};

struct EvaluateCommand {
  std::string data;
  std::string model;
  bool json = false;

  absl::Status Run() const {
    SEALFOLD_ASSIGN_OR_RETURN(const Examples examples, ReadExamples({data}));
    SEALFOLD_ASSIGN_OR_RETURN(const StoredParameters read, ReadModel(model));
    SEALFOLD_ASSIGN_OR_RETURN(const Metrics metrics, Evaluate(read, examples, data));
    if (json) {
      PrintJson(MetricsJson(metrics));
    } else {
      std::printf("%llu patients: accuracy %.2f %%, AUC %.4f, log loss %.4f\n",
                  static_cast<unsigned long long>(metrics.patients), 100 * metrics.accuracy,
                  metrics.auc, metrics.log_loss);
    }
    return absl::OkStatus();
  }
};

void AddTrain(CLI::App& app, TrainCommand& command) {
  CLI::App& verb =
      *app.add_subcommand("train", "Train one round from the global model and write the update");
  verb.add_option("--data", command.data, "This hospital's patients")->required();
  verb.add_option("--model", command.model, "The global model, safetensors")
      ->required()
      ->envname("SEALFOLD_MODEL");
  verb.add_option("--update", command.update,
                  "Where the update goes: trained minus global, safetensors")
      ->required()
      ->envname("SEALFOLD_UPDATE");
  verb.add_option("--round", command.round, "The round's number")
      ->capture_default_str()
      ->envname("SEALFOLD_ROUND");
  AddTrainingOptions(verb, command.options);
  AddJson(verb, command.json);
  OnRun(verb,
        "hospitals-train train --data study/north/train.csv --model study/initial.safetensors "
        "--update study/north/update.safetensors",
        [&] { return command.Run(); });
}

void AddEvaluate(CLI::App& app, EvaluateCommand& command) {
  CLI::App& verb =
      *app.add_subcommand("evaluate", "Tell a model's accuracy, AUC and log loss on patients");
  verb.add_option("--data", command.data, "Patients that the model was not trained on")->required();
  verb.add_option("--model", command.model, "The model, safetensors")->required();
  AddJson(verb, command.json);
  OnRun(verb, "hospitals-train evaluate --data study/test.csv --model study/initial.safetensors",
        [&] { return command.Run(); });
}

void AddBaseline(CLI::App& app, const std::string& name, const std::string& description,
                 int files_max, const std::string& example_data, BaselineCommand& command) {
  CLI::App& verb = *app.add_subcommand(name, description);
  verb.add_option("--data", command.data, "Patients to train on")
      ->required()
      ->expected(1, files_max);
  verb.add_option("--model", command.model, "The model to start from, safetensors")->required();
  verb.add_option("--out", command.out, "Where the trained model goes")->required();
  AddRounds(verb, command.rounds);
  AddTrainingOptions(verb, command.options);
  AddJson(verb, command.json);
  OnRun(verb,
        absl::StrCat("hospitals-train ", name, " --data ", example_data,
                     " --model study/initial.safetensors --out study/", name, ".safetensors"),
        [&] { return command.Run(); });
}

}  // namespace
}  // namespace sealfold::hospitals

int main(int argc, char** argv) {
  using namespace sealfold::hospitals;  // NOLINT(google-build-using-namespace): main has nothing
                                        // else
  CLI::App app("Trains and tests a model that tells malignant tumours from benign ones.",
               "hospitals-train");
  TrainCommand train;
  EvaluateCommand evaluate;
  BaselineCommand alone;
  BaselineCommand pooled;
  AddTrain(app, train);
  AddEvaluate(app, evaluate);
  AddBaseline(app, "alone", "Train as long as a federated run, on one hospital's patients", 1,
              "study/north/train.csv", alone);
  AddBaseline(app, "pooled",
              "Train as long as a federated run, on all hospitals' patients in one place", 100,
              "study/*/train.csv", pooled);
  return RunProgram(app, argc, argv);
}
