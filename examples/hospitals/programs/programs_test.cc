// The example's programs as a user runs them: real processes, files and environment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "examples/hospitals/data/test_data.h"
#include "examples/hospitals/learn/model_file.h"
#include "examples/hospitals/learn/study.h"
#include "protocol/program/child_process.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold::hospitals {
namespace {

using ::testing::HasSubstr;
using Arguments = std::vector<std::string>;
using Environment = std::map<std::string, std::string>;

constexpr char kSplit[] = SEALFOLD_HOSPITALS_SPLIT;
constexpr char kTrain[] = SEALFOLD_HOSPITALS_TRAIN;
constexpr char kStudy[] = SEALFOLD_HOSPITALS_STUDY;
constexpr char kData[] = SEALFOLD_HOSPITALS_DATA;

ProgramResult Ran(const Arguments& arguments, const Environment& environment = {}) {
  absl::StatusOr<ProgramResult> result = RunToEnd(arguments, {.environment = environment});
  SEALFOLD_CHECK(result.ok());
  return *std::move(result);
}

nlohmann::json Json(Arguments arguments, const Environment& environment = {}) {
  arguments.emplace_back("--json");
  const ProgramResult result = Ran(arguments, environment);
  EXPECT_EQ(result.exit_code, 0) << result.err;
  return nlohmann::json::parse(result.out, nullptr, false);
}

class Programs : public ::testing::Test {
 protected:
  std::string Path(const std::string& name) const { return folder_.Path(name); }
  void MakeSplit(const std::string& seed) const {
    ASSERT_EQ(Ran({kSplit, "--data", kData, "--seed", seed, "--out", folder_.path()}).exit_code, 0);
  }
  nlohmann::json Scores(const std::string& model) const {
    return Json({kTrain, "evaluate", "--data", Path("test.csv"), "--model", model});
  }

  const TempDir folder_;
};

// Federated averaging by hand with nothing but the files that the trainer reads and writes.
TEST_F(Programs, ARunOverFilesIsTheStudyInOneProcess) {
  MakeSplit("3");
  std::vector<Examples> hospitals;
  for (const char* hospital : kHospitalNames) {
    hospitals.push_back(ScaledExamples(*ReadPatients(Path(absl::StrCat(hospital, "/train.csv")))));
  }
  std::string global = Path("initial.safetensors");
  constexpr int kRounds = 3;
  for (int round = 1; round <= kRounds; ++round) {
    const StoredParameters model = *ReadModel(global);
    Parameters sum = Parameters::Zero();
    double weights = 0;
    for (const char* hospital : kHospitalNames) {
      const std::string update = Path(absl::StrCat(hospital, "/update.safetensors"));
      const nlohmann::json told = Json(
          {kTrain, "train", "--seed", "3", "--data", Path(absl::StrCat(hospital, "/train.csv"))},
          {{"SEALFOLD_MODEL", global},
           {"SEALFOLD_UPDATE", update},
           {"SEALFOLD_ROUND", absl::StrCat(round)}});
      EXPECT_EQ(told["round"], round);
      EXPECT_LT(told["log_loss_after"], told["log_loss_before"]);
      const double weight = told["num_examples"];
      EXPECT_THAT(*ReadFile(update, 1 << 20),
                  HasSubstr(absl::StrCat("\"num_examples\":\"", weight, "\"")));
      sum += weight * ReadModel(update)->cast<double>();
      weights += weight;
    }
    global = Path(absl::StrCat("global-", round, ".safetensors"));
    ASSERT_TRUE(WriteModel(global, (model.cast<double>() + sum / weights).cast<float>(), {}).ok());
  }
  EXPECT_EQ(*ReadModel(global), FederatedAverage(hospitals, kRounds, {.seed = 3}).model);

  const nlohmann::json scores = Scores(global);
  EXPECT_EQ(scores["patients"], 113);
  EXPECT_GT(scores["accuracy"], 0.9);
  EXPECT_GT(scores["auc"], 0.95);
}

TEST_F(Programs, AloneAndPooledAreTheStudys) {
  MakeSplit("1");
  const std::string initial = Path("initial.safetensors");
  ASSERT_EQ(Ran({kTrain, "alone", "--data", Path("west/train.csv"), "--model", initial, "--out",
                 Path("a")})
                .exit_code,
            0);
  ASSERT_EQ(Ran({kTrain, "pooled", "--data", Path("north/train.csv"), Path("south/train.csv"),
                 Path("west/train.csv"), "--model", initial, "--out", Path("p")})
                .exit_code,
            0);
  const Comparison expected = *Compare(SplitOfSeed(1), kRoundsDefault, {});
  EXPECT_EQ(Scores(Path("a"))["log_loss"], expected.alone[2].log_loss);
  EXPECT_EQ(Scores(Path("p"))["log_loss"], expected.pooled.log_loss);
  const nlohmann::json study = Json({kStudy, "compare", "--data", kData, "--seeds", "1"});
  EXPECT_EQ(study["scores"][2]["log_loss"]["mean"], expected.alone[2].log_loss);
  EXPECT_EQ(study["scores"][4]["accuracy"]["mean"], expected.federated.accuracy);
}

TEST_F(Programs, SplitTellsItsCounts) {
  const nlohmann::json split =
      Json({kSplit, "--data", kData, "--seed", "1", "--out", Path("new/folder")});
  int patients = 0;
  int malignant = 0;
  for (const nlohmann::json& part : split["parts"]) {
    patients += part["patients"].get<int>();
    malignant += part["malignant"].get<int>();
    EXPECT_EQ(part["patients"], ReadPatients(part["file"])->size());
  }
  EXPECT_EQ(patients, 569);
  EXPECT_EQ(malignant, 212);
}

TEST_F(Programs, ErrorsAreExplainedAndHaveTheirExitCode) {
  const ProgramResult missing = Ran({kSplit, "--data", Path("none.csv"), "--out", folder_.path()});
  EXPECT_EQ(missing.exit_code, 5);
  EXPECT_EQ(missing.out, "");
  EXPECT_THAT(missing.err, HasSubstr("none.csv [file_unusable]\n  found "));

  MakeSplit("1");
  const std::string west = Path("west/train.csv");
  EXPECT_EQ(Ran({kTrain, "evaluate", "--data", Path("test.csv"), "--model", kData}).exit_code, 5);
  const ProgramResult diverged =
      Ran({kTrain, "train", "--data", west, "--model", Path("initial.safetensors"), "--update",
           Path("u"), "--learning-rate", "1000", "--l2", "1000", "--epochs", "1000"});
  EXPECT_EQ(diverged.exit_code, 5);
  EXPECT_THAT(diverged.err, HasSubstr("--learning-rate"));
  EXPECT_FALSE(std::filesystem::exists(Path("u")));

  EXPECT_EQ(Ran({kTrain, "train", "--data", west}).exit_code, 2) << "no model is named";
  EXPECT_EQ(Ran({kTrain, "train", "--data", west, "--model", "m", "--update", "u"},
                {{"SEALFOLD_ROUND", "x"}})
                .exit_code,
            2);
  EXPECT_EQ(Ran({kTrain}).exit_code, 2);
  EXPECT_THAT(Ran({kTrain}).err, HasSubstr("[verb_unknown]\n  expected  one of train, "));
  EXPECT_EQ(Ran({kTrain, "fly"}).exit_code, 2);
  EXPECT_EQ(
      Ran({kSplit, "--data", kData, "--out", folder_.path(), "--concentration", "0"}).exit_code, 2);
}

}  // namespace
}  // namespace sealfold::hospitals
