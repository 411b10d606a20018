// A whole study by --json alone, from keys to verification: every verb's output is one object or
// JSON Lines, and says what the next verb needs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <map>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"
#include "tests/cli/run.h"

namespace sealfold {
namespace {

using nlohmann::json;
using ::testing::IsSupersetOf;

constexpr int kLineMs = 60'000;
const char* const kNames[] = {"north", "south", "west", "east"};  // east never sends

class JsonTest : public ::testing::Test {
 protected:
  std::string Path(const std::string& below) const { return folder_.Path(below); }
  // Starts it with --json; the first object it prints.
  json Serve(const std::string& name, std::vector<std::string> arguments) {
    arguments.emplace_back("--json");
    servers_.emplace(name, Start(std::move(arguments), Path("log")));
    return NextOf(name);
  }
  json NextOf(const std::string& name) {
    const std::optional<std::string> line = servers_.at(name).ReadLine(kLineMs);
    EXPECT_TRUE(line.has_value()) << name << ": " << ReadFile(Path("log"), 1 << 20).value_or("");
    const std::vector<json> objects = Objects(line.value_or(""));
    return objects.empty() ? json::object() : objects.front();
  }
  // All that is left of it, and its exit code.
  std::vector<json> EndOf(const std::string& name) {
    std::string out;
    std::string err;
    servers_.at(name).ReadAll(out, err);
    EXPECT_EQ(servers_.at(name).Wait(), kExitDone) << name;
    return Objects(out);
  }
  // The verbs of a participant on the run.
  std::vector<std::string> Participant(const std::string& verb, const std::string& name) const {
    return {"sealfold-participant", verb,    "--connect", endpoint_, "--policy",
            Path("policy.json"),    "--key", Path(name),  "--state", Path(name + "-state")};
  }
  std::vector<std::string> Fetch(const std::string& what, const std::string& out) const {
    return {"sealfold-participant", "fetch", what,     "--connect", endpoint_, "--policy",
            Path("policy.json"),    "--out", Path(out)};
  }
  std::string Train(const std::string& name) const {
    return absl::StrCat(SEALFOLD_PROGRAMS, "/hospitals-train train --data ",
                        Path(absl::StrCat("data/", name, "/train.csv")));
  }

  void MakePlan();
  void StartServers();
  void WritePolicy(const std::string& coordinator) const;

  const TempDir folder_;
  std::string endpoint_;
  std::map<std::string, ChildProcess> servers_;
};

void JsonTest::WritePolicy(const std::string& coordinator) const {
  const json measured = RunJsonOne({"sealfold-attest", "measure", "elf",
                                    absl::StrCat(SEALFOLD_PROGRAMS, "/sealfold-aggregator")});
  const json policy = {
      {"format", "sealfold-policy-1"},
      {"coordinators", {coordinator}},
      {"evidence",
       {{"platform", "sealfold-softnsm"},
        {"root", "platform/root.pem"},
        {"reference_values", {{{"name", "this build"}, {"pcr0", measured["pcr0"]}}}}}}};
  ASSERT_TRUE(WriteFileAtomic(Path("policy.json"), policy.dump()).ok());
}

void JsonTest::MakePlan() {
  const json coordinator =
      RunJsonOne({"sealfold-coordinator", "keygen", "--out", Path("coordinator")});
  json plan = {{"name", "by json"}, {"rounds", 1},       {"quorum", 3},
               {"range", 8.0},      {"weight_max", 512}, {"early_close", true}};
  for (const char* name : kNames) {
    const json keys =
        RunJsonOne({"sealfold-participant", "keygen", "--out", Path(name), "--name", name});
    EXPECT_EQ(keys["name"], name);
    plan["participant_files"].push_back(keys["public_file"]);
  }
  const json split =
      RunJsonOne({"hospitals-split", "--data", SEALFOLD_HOSPITALS_DATA, "--out", Path("data")});
  const json schema = RunJsonOne({"sealfold-coordinator", "schema"});
  for (const auto& [field, value] : plan.items())
    EXPECT_TRUE(schema["properties"].contains(field)) << field;
  ASSERT_TRUE(WriteFileAtomic(Path("plan.json"), plan.dump()).ok());
  const json made =
      RunJsonOne({"sealfold-coordinator", "plan", Path("plan.json"), "--key", coordinator["file"],
                  "--model", split["initial_model"], "--out", Path("run/plan.cose")});
  EXPECT_EQ(made["participants"], 4);
  EXPECT_EQ(made["coordinator"], coordinator["key"]);
  WritePolicy(coordinator["key"]);
}

void JsonTest::StartServers() {
  EXPECT_EQ(Serve("platform", {"sealfold-softnsm", "serve", "--state", Path("platform"), "--socket",
                               Path("nsm.sock")})["event"],
            "ready");
  const json ready = Serve("coordinator", {"sealfold-coordinator", "serve", "--state", Path("run"),
                                           "--listen", "tcp://127.0.0.1:0"});
  EXPECT_EQ(ready["event"], "ready");
  endpoint_ = ready["endpoint"];
  EXPECT_EQ(Serve("aggregator", {"sealfold-aggregator", "serve", "--host-link",
                                 absl::StrCat("ipc://", Path("run/aggregator.sock")), "--attester",
                                 Path("nsm.sock")})["event"],
            "ready");
}

TEST_F(JsonTest, AStudyByJsonAlone) {
  MakePlan();
  StartServers();
  EXPECT_EQ(RunJsonOne({"sealfold-coordinator", "launch", "--state", Path("run")})["name"],
            "by json");
  Serve("watch", {"sealfold-coordinator", "watch", "--state", Path("run")});

  // One update by hand.
  RunJson(Fetch("plan", "plan.cose"));
  RunJson(Fetch("model", "base.safetensors"));
  const json trained =
      RunJsonOne({"hospitals-train", "train", "--data", Path("data/north/train.csv"), "--model",
                  Path("base.safetensors"), "--update", Path("u.safetensors")});
  std::vector<std::string> submit = Participant("submit", "north");
  submit.insert(submit.end(), {"--update", trained["update"]});
  const std::vector<json> submitted = RunJson(submit);
  ASSERT_EQ(submitted.size(), 2u);
  EXPECT_EQ(submitted[0]["event"], "checks");
  EXPECT_EQ(submitted[0]["passed"], true);
  EXPECT_EQ(submitted[1]["event"], "submitted");

  // Two that join; the coordinator closes once there is quorum, since east does not come.
  for (const char* name : {"south", "west"}) {
    std::vector<std::string> join = Participant("join", name);
    join.insert(join.end(), {"--train", Train(name)});
    EXPECT_EQ(Serve(name, join)["event"], "plan");
  }
  while (NextOf("watch")["updates"] != 3) {
    ASSERT_FALSE(HasFailure());
  }
  RunJsonOne({"sealfold-coordinator", "close", "--state", Path("run")});
  EXPECT_EQ(EndOf("watch").back()["phase"], "done");
  for (const char* name : {"south", "west"}) {
    std::vector<std::string> events;
    for (const json& event : EndOf(name)) events.push_back(event["event"]);
    EXPECT_THAT(events, IsSupersetOf({"checks", "submitted", "round"})) << name;
  }

  // What was published.
  EXPECT_EQ(RunJson(Fetch("record", "record.cbor")).back()["event"], "fetched");
  EXPECT_EQ(RunJson(Fetch("model", "model.safetensors")).back()["event"], "fetched");
  const std::vector<json> verified =
      RunJson({"sealfold-participant", "verify", Path("model.safetensors"), "--record",
               Path("record.cbor"), "--policy", Path("policy.json")});
  EXPECT_EQ(verified.back()["event"], "verified");
  EXPECT_EQ(verified.back()["updates"], 3);
  const json scores = RunJsonOne({"hospitals-train", "evaluate", "--data", Path("data/test.csv"),
                                  "--model", Path("model.safetensors")});
  EXPECT_GT(scores["auc"], 0.9);

  for (const char* name : {"aggregator", "coordinator", "platform"}) {
    servers_.at(name).Signal(SIGTERM);
    EndOf(name);
  }
}

// A path is bytes, not text.
TEST_F(JsonTest, AKeyIsMadeWhateverItsPath) {
  const std::string path = Path("north\xff.key");
  for (const char* program : {"sealfold-participant", "sealfold-attest"}) {
    const std::string own = absl::StrCat(path, program);
    const json made = RunJsonOne({program, "keygen", "--out", own, "--name", "north"});
    EXPECT_TRUE(std::filesystem::exists(own));
    EXPECT_TRUE(absl::StrContains(made["key_file"].get<std::string>(), "north\uFFFD.key"));
  }
}

}  // namespace
}  // namespace sealfold
