#include "examples/hospitals/demo/study_run.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "examples/hospitals/data/patients.h"
#include "examples/hospitals/data/scaling.h"
#include "examples/hospitals/demo/joins.h"
#include "examples/hospitals/learn/model_file.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"

namespace sealfold::hospitals {
namespace {

using nlohmann::json;

constexpr size_t kPlanBytesMax = 1 << 20;
constexpr int kBarWidth = 24;
// What a hospital of the study asks of a plan.
constexpr char kPolicyPlanJson[] =
    R"({"quorum_min": 3, "range_max": 8.0, "weight_max": 512, "attempts_max": 2, "strategies": ["fedavg"]})";

absl::Status Succeed(const std::string& what, const absl::StatusOr<ProgramResult>& result) {
  SEALFOLD_RETURN_IF_ERROR(result.status());
  if (result->exit_code == kExitDone) return absl::OkStatus();
  return PeerError({.code = "program_failed",
                    .what = what,
                    .expected = "exit code 0",
                    .found = absl::StrCat("exit code ", result->exit_code, ": ", result->err)});
}

absl::StatusOr<Metrics> Score(const std::string& model, const Examples& test) {
  SEALFOLD_ASSIGN_OR_RETURN(const StoredParameters parameters, ReadModel(model));
  return Evaluate(parameters, test, "test patients");
}

std::string Scores(const Metrics& metrics) {
  return absl::StrFormat("accuracy %.2f %%  AUC %.4f", 100 * metrics.accuracy, metrics.auc);
}

// One hospital's verdict on the evidence, as its client reported it.
void ShowVerdict(Screen& screen, const std::string& name, const json& event) {
  screen.Heading(absl::StrCat(name, ": ", event.value("passed", false) ? "accepts" : "REFUSES",
                              " the aggregator, by ", event["checks"].size(), " checks"));
  for (const json& check : event["checks"]) {
    const std::string expected = check.value("expected", "");
    const std::string found = check.value("found", "");
    screen.Line(absl::StrFormat(
        "  %s %-17s %s", check.value("passed", false) ? "ok" : "NO", check.value("name", ""),
        expected == found ? absl::StrCat("as expected: ", found)
                          : absl::StrCat("expected ", expected, ", found ", found)));
  }
  if (event.contains("caveat")) screen.Line("  " + event.value("caveat", ""));
}

class StudyRun {
 public:
  StudyRun(const StudySetup& setup, Screen& screen) : setup_(setup), screen_(screen) {}

  absl::StatusOr<StudyResult> Run() {
    SEALFOLD_RETURN_IF_ERROR(SplitPatientsToFiles());
    SEALFOLD_ASSIGN_OR_RETURN(Federation federation, Federation::Prepare(result_.federation));
    SEALFOLD_RETURN_IF_ERROR(federation.StartCoordinator());
    SEALFOLD_RETURN_IF_ERROR(federation.StartAggregator());
    SEALFOLD_RETURN_IF_ERROR(federation.Launch());
    std::vector<ChildProcess> processes;
    for (size_t i = 0; i < kHospitals; ++i) {
      SEALFOLD_ASSIGN_OR_RETURN(ChildProcess process,
                                federation.Join(i, TrainCommand(kHospitalNames[i]), /*json=*/true));
      processes.push_back(std::move(process));
    }
    Joins joins(std::move(processes));
    while (std::optional<JoinEvent> event = joins.Next()) {
      SEALFOLD_RETURN_IF_ERROR(OnEvent(federation, *event));
    }
    for (uint64_t round = 1; round <= rounds_; ++round) {
      result_.records.push_back(
          federation.Path(absl::StrCat("coordinator/record-", round, ".cbor")));
    }
    result_.model = ModelPath(federation, rounds_);
    SEALFOLD_RETURN_IF_ERROR(TrainBaselines());
    return std::move(result_);
  }

 private:
  std::string Path(const std::string& below) const { return setup_.directory + "/" + below; }
  std::string TrainCsv(const char* hospital) const {
    return Path(absl::StrCat("data/", hospital, "/train.csv"));
  }
  static std::string ModelPath(const Federation& federation, uint64_t round) {
    return federation.Path(absl::StrCat("coordinator/model-", round, ".safetensors"));
  }
  std::string TrainCommand(const char* hospital) const {
    return absl::StrCat("'", setup_.programs, "/hospitals-train' train --data '",
                        TrainCsv(hospital), "' --seed ", setup_.seed);
  }

  absl::Status SplitPatientsToFiles() {
    SEALFOLD_RETURN_IF_ERROR(
        Succeed("hospitals-split",
                RunToEnd({setup_.programs + "/hospitals-split", "--data", setup_.data + "/wdbc.csv",
                          "--seed", absl::StrCat(setup_.seed), "--out", Path("data")})));
    SEALFOLD_ASSIGN_OR_RETURN(const std::vector<Patient> test, ReadPatients(Path("data/test.csv")));
    test_ = ScaledExamples(test);
    SEALFOLD_ASSIGN_OR_RETURN(const std::string plan,
                              ReadFile(setup_.data + "/plan.json", kPlanBytesMax));
    rounds_ = json::parse(plan, nullptr, /*allow_exceptions=*/false).value("rounds", uint64_t{0});
    result_.federation = {.programs = setup_.programs,
                          .directory = setup_.directory,
                          .participants = {kHospitalNames.begin(), kHospitalNames.end()},
                          .initial_model = Path("data/initial.safetensors"),
                          .plan_json = plan,
                          .policy_plan_json = kPolicyPlanJson};
    result_.update = Path("data/update.safetensors");
    return Succeed("hospitals-train",
                   RunToEnd({setup_.programs + "/hospitals-train", "train", "--data",
                             TrainCsv(kHospitalNames[0]), "--model",
                             Path("data/initial.safetensors"), "--update", result_.update}));
  }

  absl::Status OnEvent(const Federation& federation, const JoinEvent& event) {
    const char* name = kHospitalNames[event.participant];
    if (event.exit_code.has_value()) {
      if (*event.exit_code == kExitDone) return absl::OkStatus();
      return PeerError({.code = "hospital_failed",
                        .what = absl::StrCat("sealfold-participant join of ", name),
                        .expected = "exit code 0",
                        .found = absl::StrCat("exit code ", *event.exit_code),
                        .advice = absl::StrCat("see ", Path("logs/"), name, ".log")});
    }
    const std::string kind = event.event.value("event", "");
    if (event.event.contains("caveat")) result_.caveat = event.event.value("caveat", "");
    if (kind == "checks" && !told_[event.participant]) {
      ShowVerdict(screen_, name, event.event);
      told_[event.participant] = true;
    } else if (kind == "note") {
      screen_.Line(absl::StrCat(name, ": ", event.event.value("text", "")));
    } else if (kind == "submitted") {
      ++submitted_;
      screen_.Live(
          absl::StrFormat("round %2u of %u  %s  %d of %u updates sealed and committed",
                          static_cast<unsigned>(round_), static_cast<unsigned>(rounds_),
                          Screen::Bar(static_cast<double>(submitted_) / kHospitals, kBarWidth),
                          submitted_, static_cast<unsigned>(kHospitals)));
    } else if (kind == "round" && event.event.value("round", uint64_t{0}) == round_ &&
               ++verified_ == kHospitals) {
      return OnRound(federation, event.event);
    }
    return absl::OkStatus();
  }

  // Every hospital has verified the round's record and its own receipt in it.
  absl::Status OnRound(const Federation& federation, const json& event) {
    SEALFOLD_ASSIGN_OR_RETURN(result_.federated, Score(ModelPath(federation, round_), test_));
    screen_.Line(absl::StrFormat(
        "round %2u of %u  %s  %u updates  %s  record %.12s verified by all",
        static_cast<unsigned>(round_), static_cast<unsigned>(rounds_),
        Screen::Bar(static_cast<double>(round_) / static_cast<double>(rounds_), kBarWidth),
        event.value("updates", 0U), Scores(result_.federated), event.value("record", "")));
    ++round_;
    submitted_ = 0;
    verified_ = 0;
    return absl::OkStatus();
  }

  absl::Status Train(const std::string& verb, const std::vector<std::string>& data,
                     Metrics& metrics) {
    std::vector<std::string> command = {setup_.programs + "/hospitals-train",
                                        verb,
                                        "--model",
                                        Path("data/initial.safetensors"),
                                        "--out",
                                        Path("data/baseline.safetensors"),
                                        "--rounds",
                                        absl::StrCat(rounds_),
                                        "--seed",
                                        absl::StrCat(setup_.seed),
                                        "--data"};
    command.insert(command.end(), data.begin(), data.end());
    SEALFOLD_RETURN_IF_ERROR(Succeed("hospitals-train " + verb, RunToEnd(command)));
    SEALFOLD_ASSIGN_OR_RETURN(metrics, Score(Path("data/baseline.safetensors"), test_));
    return absl::OkStatus();
  }

  absl::Status TrainBaselines() {
    std::vector<std::string> all;
    for (size_t i = 0; i < kHospitals; ++i) {
      all.push_back(TrainCsv(kHospitalNames[i]));
      SEALFOLD_RETURN_IF_ERROR(Train("alone", {all.back()}, result_.alone[i]));
    }
    return Train("pooled", all, result_.pooled);
  }

  const StudySetup& setup_;
  Screen& screen_;
  StudyResult result_;
  Examples test_;
  uint64_t rounds_ = 0;
  uint64_t round_ = 1;                      // the one under way
  int submitted_ = 0;                       // in it
  size_t verified_ = 0;                     // of it
  std::array<bool, kHospitals> told_ = {};  // whose verdict was shown
};

}  // namespace

absl::StatusOr<StudyResult> RunStudy(const StudySetup& setup, Screen& screen) {
  return StudyRun(setup, screen).Run();
}

}  // namespace sealfold::hospitals
