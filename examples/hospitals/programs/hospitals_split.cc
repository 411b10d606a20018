// hospitals-split: divides the data set into three hospitals' patients and a common test set.
#include <cstdio>
#include <filesystem>

#include "absl/strings/str_cat.h"
#include "examples/hospitals/data/split.h"
#include "examples/hospitals/learn/model_file.h"
#include "examples/hospitals/programs/program.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"

namespace sealfold::hospitals {
namespace {

struct SplitCommand {
  std::string data;
  std::string out;
  SplitOptions options;
  bool json = false;

  absl::Status Run() const {
    SEALFOLD_ASSIGN_OR_RETURN(const std::vector<Patient> patients, ReadPatients(data));
    SEALFOLD_ASSIGN_OR_RETURN(const Split split, SplitPatients(patients, options));
    nlohmann::ordered_json parts = nlohmann::ordered_json::array();
    for (const char* hospital : kHospitalNames) SEALFOLD_RETURN_IF_ERROR(MakeFolder(hospital));
    for (size_t h = 0; h < kHospitals; ++h) {
      SEALFOLD_RETURN_IF_ERROR(WritePart(kHospitalNames[h],
                                         absl::StrCat(out, "/", kHospitalNames[h], "/train.csv"),
                                         split.hospitals[h], parts));
    }
    SEALFOLD_RETURN_IF_ERROR(WritePart("test", absl::StrCat(out, "/test.csv"), split.test, parts));
    const std::string initial = absl::StrCat(out, "/initial.safetensors");
    SEALFOLD_RETURN_IF_ERROR(WriteModel(initial, StoredParameters::Zero(), {}));
    Print({{"seed", options.seed},
           {"concentration", options.concentration},
           {"parts", parts},
           {"initial_model", initial}});
    return absl::OkStatus();
  }

 private:
  absl::Status MakeFolder(const char* name) const {
    const std::string folder = absl::StrCat(out, "/", name);
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (!error) return absl::OkStatus();
    return BadInput({.code = "folder_unusable",
                     .what = absl::StrCat("making ", folder),
                     .found = error.message(),
                     .advice = "choose another --out"});
  }

  static absl::Status WritePart(const char* name, const std::string& file,
                                const std::vector<Patient>& patients,
                                nlohmann::ordered_json& parts) {
    const size_t malignant = CountMalignant(patients);
    parts.push_back({{"name", name},
                     {"patients", patients.size()},
                     {"malignant", malignant},
                     {"benign", patients.size() - malignant},
                     {"file", file}});
    return WriteFileAtomic(file, PatientsCsv(patients));
  }

  void Print(const nlohmann::ordered_json& summary) const {
    if (json) {
      PrintJson(summary);
      return;
    }
    std::printf("%-8s %8s %9s %7s  %s\n", "", "patients", "malignant", "benign", "file");
    for (const nlohmann::ordered_json& part : summary["parts"]) {
      std::printf("%-8s %8d %9d %7d  %s\n", part["name"].get<std::string>().c_str(),
                  part["patients"].get<int>(), part["malignant"].get<int>(),
                  part["benign"].get<int>(), part["file"].get<std::string>().c_str());
    }
    std::printf("The model to start from: %s\n",
                summary["initial_model"].get<std::string>().c_str());
  }
};

}  // namespace
}  // namespace sealfold::hospitals

int main(int argc, char** argv) {
  using namespace sealfold::hospitals;  // NOLINT(google-build-using-namespace): main has nothing
                                        // else
  CLI::App app("Divides wdbc.csv into three hospitals that differ, and a common test set.",
               "hospitals-split");
  SplitCommand command;
  app.add_option("--data", command.data, "The data set")->required();
  app.add_option("--out", command.out,
                 "Folder for {north,south,west}/train.csv, test.csv and initial.safetensors")
      ->required();
  app.add_option("--seed", command.options.seed, "Another seed, another split")
      ->capture_default_str();
  app.add_option(
         "--concentration", command.options.concentration,
         "How alike the hospitals' shares of malignant tumours are: 1 hardly, 1000 nearly the same")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1}, kConcentrationMax));
  AddJson(app, command.json);
  OnRun(app, "hospitals-split --data examples/hospitals/wdbc.csv --seed 1 --out study",
        [&] { return command.Run(); });
  return RunProgram(app, argc, argv);
}
