// What the programs say of a study that really ran: its files explained, and what must be refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "protocol/program/program.h"
#include "protocol/record/record.h"
#include "tests/cli/run.h"
#include "tests/e2e/study.h"

namespace sealfold {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

constexpr size_t kBytesMax = 1 << 24;
constexpr char kCaveat[] = "software evidence: for development, proves nothing about the machine";

class StudyTest : public ::testing::Test {
 protected:
  StudyTest() : study_({.rounds = 2, .elements = 2000}) {
    study_.Start();
    for (size_t i = 0; i < KnownStudy::kParticipants; ++i) study_.Join(i);
    study_.Finish();
  }
  std::string Path(const std::string& below) { return study_.federation().Path(below); }
  std::string Record(int round) {
    return Path(absl::StrCat("coordinator/record-", round, ".cbor"));
  }
  std::string Read(const std::string& path) { return ReadFile(path, kBytesMax).value_or(""); }
  // A file "changed" below the study's folder.
  std::string Write(const std::string& content) {
    EXPECT_TRUE(WriteFileAtomic(Path("changed"), content).ok());
    return Path("changed");
  }
  // The policy with `change` made to its text.
  std::string Policy(const std::vector<std::pair<std::string, std::string>>& change) {
    std::string text = absl::StrReplaceAll(Read(Path("policy.json")), change);
    EXPECT_NE(text, Read(Path("policy.json")));
    EXPECT_TRUE(WriteFileAtomic(Path("policy-changed.json"), text).ok());
    return Path("policy-changed.json");
  }
  std::vector<std::string> Verify(const std::string& model, const std::vector<std::string>& records,
                                  const std::string& policy) {
    std::vector<std::string> arguments = {"sealfold-participant", "verify", model, "--policy",
                                          policy};
    for (const std::string& record : records) {
      arguments.insert(arguments.end(), {"--record", record});
    }
    return arguments;
  }
  std::string Receipt() {
    for (const auto& file : std::filesystem::recursive_directory_iterator(Path("alpha/state"))) {
      if (file.path().filename().string().find("receipt") == 0) return file.path();
    }
    ADD_FAILURE() << "no receipt was kept";
    return "";
  }

  KnownStudy study_;
};

TEST_F(StudyTest, InspectExplainsEveryKindOfFile) {
  RecordFile record = *DecodeRecordFile(AsBytes(Read(Record(2))));
  const std::map<std::string, std::vector<std::string>> files = {
      {"plan", {Path("coordinator/plan.cose")}},
      {"record", {Record(2)}},
      {"receipt", {Receipt()}},
      {"evidence", {Write(std::string(AsText(record.evidence)))}},
      {"safetensors", {study_.ModelPath(2), Path("initial.safetensors")}},
      {"policy", {Path("policy.json")}},
      {"key", {Path("alpha/key"), Path("coordinator.key")}},
      {"public-key", {Path("alpha/key.pub")}}};
  for (const auto& [kind, paths] : files) {
    for (const std::string& path : paths) {
      SCOPED_TRACE(path);
      const json event = RunJsonOne({"sealfold-participant", "inspect", path});
      EXPECT_EQ(event["kind"], kind);
      EXPECT_FALSE(event["fields"].empty());
      const ProgramResult text = Ran({"sealfold-participant", "inspect", path});
      EXPECT_EQ(text.exit_code, kExitDone);
      for (const auto& [name, value] : event["fields"].items())
        EXPECT_THAT(text.out, HasSubstr(absl::StrCat("  ", name, " ")));
    }
  }
}

TEST_F(StudyTest, InspectWithAPolicyJudges) {
  for (const std::string& path : {Path("coordinator/plan.cose"), Record(1)}) {
    EXPECT_EQ(RunJson({"sealfold-participant", "inspect", path, "--policy", Path("policy.json")})
                  .back()["passed"],
              true);
    ExpectFails({"sealfold-participant", "inspect", path, "--policy",
                 Policy({{"\"plan\": {", "\"plan\": {\"quorum_min\": 4, "}})},
                kExitRefused, "plan_quorum");
  }
  const RecordFile record = *DecodeRecordFile(AsBytes(Read(Record(1))));
  const std::string evidence = Write(std::string(AsText(record.evidence)));
  const ProgramResult judged =
      Ran({"sealfold-participant", "inspect", evidence, "--policy", Path("policy.json")});
  EXPECT_EQ(judged.exit_code, kExitDone);
  EXPECT_THAT(judged.out, HasSubstr(kCaveat));
  ExpectFails({"sealfold-participant", "inspect", evidence, "--policy",
               Policy({{"\"pcr0\": \"", "\"pcr0\": \"00"}, {"\"\n", "\"\n"}})},
              kExitBadInput, "policy_register_length");
}

TEST_F(StudyTest, VerifyRefusesWhatIsNotTheRecords) {
  const std::vector<std::string> records = {Record(1), Record(2)};
  const std::string policy = Path("policy.json");
  const ProgramResult right = Ran(Verify(study_.ModelPath(2), records, policy));
  EXPECT_EQ(right.exit_code, kExitDone) << right.err;
  EXPECT_THAT(right.out, HasSubstr(kCaveat));

  ExpectFails(Verify(study_.ModelPath(1), records, policy), kExitRefused, "model_digest_wrong");
  std::string model = Read(study_.ModelPath(2));
  model[model.size() / 2] ^= 1;
  ExpectFails(Verify(Write(model), records, policy), kExitRefused, "model_digest_wrong");
  ExpectFails(Verify(Path("none"), records, policy), kExitBadInput, "file_unreadable");

  std::string record = Read(Record(2));
  record.pop_back();
  ExpectFails(Verify(study_.ModelPath(2), {Record(1), Write(record)}, policy), kExitBadInput,
              "cbor_truncated");
  record = Read(Record(2));
  const Bytes root =
      ToBytes(CheckRecordFile(*DecodeRecordFile(AsBytes(record)))->record.log_root.span());
  record[record.find(AsText(root).data(), 0, root.size())] ^= 1;
  ExpectFails(Verify(study_.ModelPath(2), {Record(1), Write(record)}, policy), kExitRefused,
              "signature_wrong");
  ExpectFails(Verify(study_.ModelPath(2), {Record(2), Record(2)}, policy), kExitRefused,
              "chain_round");
}

TEST_F(StudyTest, APolicyHasTheLastWord) {
  const std::string endpoint = study_.federation().endpoint();
  const auto fetch = [&](const std::string& policy) {
    return std::vector<std::string>{"sealfold-participant",
                                    "fetch",
                                    "record",
                                    "--connect",
                                    endpoint,
                                    "--policy",
                                    policy,
                                    "--out",
                                    Path("fetched")};
  };
  RunJson(fetch(Path("policy.json")));
  const std::string pcr0 =
      RunJsonOne({"sealfold-attest", "measure", "elf",
                  absl::StrCat(SEALFOLD_PROGRAMS, "/sealfold-aggregator")})["pcr0"];
  ExpectFails(fetch(Policy({{pcr0, std::string(96, 'a')}})), kExitRefused, "evidence_registers");
  const std::string coordinator =
      RunJsonOne({"sealfold-participant", "inspect", Path("coordinator.key.pub")})["fields"]["key"];
  const std::string other =
      RunJsonOne({"sealfold-participant", "inspect", Path("alpha/key.pub")})["fields"]["key"];
  ExpectFails(fetch(Policy({{coordinator, other}})), kExitRefused, "plan_coordinator");
  ExpectFails(fetch(Policy({{"sealfold-softnsm", "aws-nitro"}})), kExitBadInput,
              "policy_root_unexpected");
}

TEST_F(StudyTest, ARunThatHasEndedStartsNoMore) {
  const std::string folder = Path("coordinator");
  ExpectFails({"sealfold-coordinator", "close", "--state", folder}, kExitRefused, "no_round");
  ExpectFails({"sealfold-coordinator", "serve", "--state", folder}, kExitRefused, "state_in_use");
  ExpectFails({"sealfold-coordinator", "plan", Path("plan.json"), "--key", Path("coordinator.key"),
               "--model", Path("initial.safetensors"), "--out", Path("coordinator/plan.cose")},
              kExitRefused, "run_exists");
}

}  // namespace
}  // namespace sealfold
