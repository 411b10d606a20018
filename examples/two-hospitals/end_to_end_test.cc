// The example as processes: two hospitals with a key broker each, a host that has only ciphertext,
// and the program that both keys are released to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "attest/testing/programs/broker_process.h"
#include "attest/testing/programs/processes.h"
#include "examples/two-hospitals/patients.h"
#include "protocol/crypto/hash.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold::two_hospitals {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

const std::array<std::string, 2> kNames = {"north", "south"};

std::string Program(const std::string& name) { return absl::StrCat(SEALFOLD_PROGRAMS, "/", name); }

class TwoHospitalsTest : public ::testing::Test {
 protected:
  TwoHospitalsTest() {
    RunWell({Program("hospitals-split"), "--data", SEALFOLD_HOSPITALS_DATA, "--seed", "1", "--out",
             Path("study")});
    for (const std::string& name : kNames) {
      RunWell({Program("sealfold-participant"), "keygen", "--out", Path(name + ".key"), "--name",
               name});
      Write(name + ".passphrase", name + " keeps its keys\n");
      StartBroker(name);
    }
    Write("agreement.json", Agreement(10));
    for (const std::string& name : kNames) HandOver(name, "agreement.json");
  }

  std::string Path(absl::string_view below) const { return folder_.Path(below); }
  std::string Read(absl::string_view below) const { return ReadFile(Path(below), 1 << 26).value(); }
  void Write(absl::string_view name, absl::string_view text) const {
    EXPECT_TRUE(WriteFileAtomic(Path(name), text, /*secret=*/true).ok());
  }
  void StartBroker(const std::string& name) {
    const std::string pcr0 =
        Sha384(AsBytes(ReadFile(Program("two-hospitals-analysis"), size_t{1} << 30).value())).hex();
    BrokerProcess& broker = brokers_.emplace_back(
        Program("sealfold-keybroker"), Path(name + ".broker"),
        std::vector<std::string>{"--passphrase-file", Path(name + ".passphrase")});
    broker.Run({"init", "--software-root", Path("nsm/root.pem")});
    broker.Run({"key", "create", "records", "--condition",
                absl::StrCat("kms:RecipientAttestation:PCR0=", pcr0)});
    std::filesystem::create_directories(Path("host/" + name));
    broker.Run({"caller", "create", "host", "--out", HostPath(name, "access.json")});
    broker.Serve();
    endpoints_[name] = absl::StrCat("127.0.0.1:", broker.port());
    std::filesystem::copy_file(Path(name + ".broker/tls.pem"), HostPath(name, "tls.pem"));
  }
  std::string HostPath(const std::string& name, const std::string& file) const {
    return Path(absl::StrCat("host/", name, "/", file));
  }

  std::string Agreement(int smallest_group) const {
    json hospitals = json::array();
    for (const std::string& name : kNames) {
      hospitals.push_back({{"name", name}, {"key", json::parse(Read(name + ".key.pub"))["key"]}});
    }
    return json({{"format", "two-hospitals-agreement-1"},
                 {"hospitals", hospitals},
                 {"smallest_group", smallest_group},
                 {"measures", {"mean radius", "mean texture", "worst concave points"}}})
        .dump();
  }
  // The hospital encrypts its patients for `terms`, and the host gets what it may have.
  void HandOver(const std::string& name, const std::string& terms, const std::string& key = "") {
    RunWell({Program("sealfold-keybroker"), "encrypt",
             Path(absl::StrCat("study/", name, "/train.csv")), "--out",
             HostPath(name, "data.sealed"), "--terms", Path(terms), "--owner-key",
             Path(key.empty() ? name + ".key" : key), "--key", "alias/records", "--service",
             endpoints_.at(name), "--ca", HostPath(name, "tls.pem"), "--access-key",
             HostPath(name, "access.json")});
  }
  ProgramResult Analyse(const std::string& agreement = "agreement.json",
                        const std::string& program = "") const {
    std::filesystem::remove(Path("result.json"));
    std::vector<std::string> arguments = {
        program.empty() ? Program("two-hospitals-analysis") : program,
        "--agreement",
        Path(agreement),
        "--attester",
        Path("nsm.sock"),
        "--out",
        Path("result.json"),
        "--evidence",
        Path("result.evidence"),
        "--json"};
    for (const std::string& name : kNames) {
      arguments.insert(arguments.end(), {"--hospital", Path("host/" + name), endpoints_.at(name)});
    }
    return RunToEnd(arguments).value();
  }
  void ExpectRefused(const ProgramResult& result, const std::string& code) const {
    EXPECT_EQ(result.exit_code, kExitRefused) << result.err;
    EXPECT_THAT(result.err, HasSubstr(absl::StrCat("\"", code, "\"")));
    EXPECT_EQ(result.out, "");
    EXPECT_FALSE(std::filesystem::exists(Path("result.json")));
  }

  TempDir folder_;
  const ChildProcess platform_ = StartSoftnsm(Program("sealfold-softnsm"), folder_);
  std::vector<BrokerProcess> brokers_;
  std::map<std::string, std::string> endpoints_;
};

// The measure of both hospitals' patients of a group, in one place and in the clear.
std::vector<double> InTheClear(const std::vector<std::string>& files, size_t measure, int group) {
  std::vector<double> values;
  for (const std::string& file : files) {
    const std::vector<std::string> lines = absl::StrSplit(file, '\n', absl::SkipEmpty());
    for (size_t i = 1; i < lines.size(); ++i) {
      const std::vector<std::string> fields = absl::StrSplit(lines[i], ',');
      double value = 0;
      EXPECT_TRUE(absl::SimpleAtod(fields.at(measure), &value));
      if (fields.at(30) == absl::StrCat(group)) values.push_back(value);
    }
  }
  return values;
}

double Mean(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double Variance(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) sum += (value - Mean(values)) * (value - Mean(values));
  return sum / static_cast<double>(values.size() - 1);
}

void ExpectNear(const json& found, double expected) {
  EXPECT_NEAR(found.get<double>(), expected, std::fabs(expected) * 1e-5);
}

TEST_F(TwoHospitalsTest, TheResultIsThatOfAllPatientsInOnePlace) {
  const ProgramResult ran = Analyse();
  ASSERT_EQ(ran.exit_code, kExitDone) << ran.err;
  const json result = json::parse(Read("result.json"));
  EXPECT_EQ(result, json::parse(ran.out));
  const std::vector<std::string> files = {Read("study/north/train.csv"),
                                          Read("study/south/train.csv")};
  EXPECT_EQ(result["patients"]["malignant"], InTheClear(files, 0, 0).size());
  EXPECT_EQ(result["patients"]["benign"], InTheClear(files, 0, 1).size());
  const std::array<size_t, 3> measures = {0, 1, 27};
  for (size_t i = 0; i < measures.size(); ++i) {
    const json& entry = result["measures"][i];
    const std::vector<double> malignant = InTheClear(files, measures[i], 0);
    const std::vector<double> benign = InTheClear(files, measures[i], 1);
    ExpectNear(entry["malignant"]["mean"], Mean(malignant));
    ExpectNear(entry["malignant"]["sd"], std::sqrt(Variance(malignant)));
    ExpectNear(entry["benign"]["mean"], Mean(benign));
    const double error = Variance(malignant) / static_cast<double>(malignant.size()) +
                         Variance(benign) / static_cast<double>(benign.size());
    ExpectNear(entry["welch_t"], (Mean(malignant) - Mean(benign)) / std::sqrt(error));
  }

  // The evidence says that this program computed exactly this file.
  const std::string policy = Path("policy.json");
  RunWell({Program("sealfold-attest"), "policy", "init", "--platform", "sealfold-softnsm", "--root",
           Path("nsm/root.pem"), "--kind", "elf", "--build", Program("two-hospitals-analysis"),
           "--out", policy});
  const std::vector<std::string> verify = {Program("sealfold-attest"),
                                           "verify",
                                           Path("result.evidence"),
                                           "--policy",
                                           policy,
                                           "--user-data"};
  std::vector<std::string> right = verify;
  right.push_back(Sha256(AsBytes(Read("result.json"))).hex());
  RunWell(right);
  std::vector<std::string> wrong = verify;
  wrong.push_back(Sha256(AsBytes("another result")).hex());
  EXPECT_EQ(RunToEnd(wrong)->exit_code, kExitRefused);
}

TEST_F(TwoHospitalsTest, AProgramWithOneByteChangedGetsNoKey) {
  std::string program = ReadFile(Program("two-hospitals-analysis"), size_t{1} << 30).value();
  program[15] = 1;  // padding of an ELF file's first header: it runs as before
  Write("changed", program);
  std::filesystem::permissions(Path("changed"), std::filesystem::perms::owner_all);
  const ProgramResult ran = Analyse("agreement.json", Path("changed"));
  ExpectRefused(ran, "key_refused");
  EXPECT_THAT(ran.err, HasSubstr("evidence_registers"));
  // The refusal stands in the log of the hospital that was asked.
  EXPECT_THAT(Read("north.broker/decisions.log"), HasSubstr("evidence_registers"));
}

TEST_F(TwoHospitalsTest, TheHostHasNoPatientInTheClear) {
  for (const std::string& name : kNames) {
    const std::vector<std::string> lines =
        absl::StrSplit(Read(absl::StrCat("study/", name, "/train.csv")), '\n', absl::SkipEmpty());
    for (const auto& file : std::filesystem::recursive_directory_iterator(Path("host"))) {
      if (!file.is_regular_file()) continue;
      const std::string held = ReadFile(file.path(), 1 << 26).value();
      for (const std::string& line : lines) {
        ASSERT_EQ(held.find(line.substr(0, 12)), std::string::npos) << file.path();
      }
    }
  }
}

TEST_F(TwoHospitalsTest, DataIsUsedUnderItsOwnTermsAlone) {
  Write("looser.json", Agreement(5));
  ExpectRefused(Analyse("looser.json"), "terms_other");
  // A stranger's data in the place of a hospital's, by whoever has that hospital's access key.
  RunWell(
      {Program("sealfold-participant"), "keygen", "--out", Path("stranger.key"), "--name", "s"});
  HandOver("south", "agreement.json", "stranger.key");
  ExpectRefused(Analyse(), "owner_unknown");
  // The same hospital's data twice.
  std::filesystem::remove(HostPath("south", "data.sealed"));
  for (const std::string file : {"data.sealed", "tls.pem", "access.json"}) {
    std::filesystem::copy_file(HostPath("north", file), HostPath("south", file),
                               std::filesystem::copy_options::overwrite_existing);
  }
  endpoints_["south"] = endpoints_["north"];
  ExpectRefused(Analyse(), "owner_missing");
}

TEST_F(TwoHospitalsTest, ChangedCiphertextIsRefused) {
  std::string sealed = Read("host/south/data.sealed");
  sealed.back() = static_cast<char>(sealed.back() ^ 1);
  Write("host/south/data.sealed", sealed);
  ExpectRefused(Analyse(), "seal_broken");
}

TEST_F(TwoHospitalsTest, AGroupThatIsSmallAtOneHospitalIsWithheld) {
  Write("stricter.json", Agreement(20));  // north has 17 malignant patients
  for (const std::string& name : kNames) HandOver(name, "stricter.json");
  ASSERT_EQ(Analyse("stricter.json").exit_code, kExitDone);
  const json result = json::parse(Read("result.json"));
  EXPECT_TRUE(result["patients"]["malignant"].is_null());
  EXPECT_EQ(result["patients"]["benign"], 259);
  EXPECT_FALSE(result["measures"][0].contains("malignant"));
  EXPECT_FALSE(result.contains("correlations"));
}

}  // namespace
}  // namespace sealfold::two_hospitals
