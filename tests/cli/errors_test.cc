// Errors without a run: what failed, expected, found, what to do, and the exit code of their kind.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"
#include "tests/cli/run.h"

namespace sealfold {
namespace {

using ::testing::HasSubstr;

constexpr char kNobody[] = "tcp://127.0.0.1:1";

class ErrorsTest : public ::testing::Test {
 protected:
  ErrorsTest() {
    RunJsonOne({"sealfold-coordinator", "keygen", "--out", Path("coordinator.key")});
    for (const char* name : {"north", "south", "west"}) {
      RunJsonOne({"sealfold-participant", "keygen", "--out", Path(name), "--name", name});
    }
    RunJsonOne({"hospitals-split", "--data", SEALFOLD_HOSPITALS_DATA, "--out", Path("data")});
    const std::string key =
        RunJsonOne({"sealfold-participant", "inspect", Path("coordinator.key")})["fields"]["key"];
    Write("policy.json", absl::StrCat(R"({"format": "sealfold-policy-1", "coordinators": [")", key,
                                      R"("], "evidence": {"platform": "aws-nitro",
        "reference_values": [{"name": "a build", "pcr0": ")",
                                      std::string(96, 'a'), R"("}]}})"));
    Write("plan.json", kPlan);
    Write("garbage", std::string(1000, 'x'));
    EXPECT_TRUE(WriteFileAtomic(Path("secret"), "x", /*secret=*/true).ok());
  }

  std::string Path(absl::string_view below) const { return folder_.Path(below); }
  void Write(absl::string_view name, absl::string_view text) const {
    ASSERT_TRUE(WriteFileAtomic(Path(name), text).ok());
  }
  // `sealfold-coordinator plan`, each argument as it should be unless it is named.
  std::vector<std::string> Plan(const std::map<std::string, std::string>& change = {}) const {
    std::map<std::string, std::string> files = {{"plan", "plan.json"},
                                                {"key", "coordinator.key"},
                                                {"model", "data/initial.safetensors"},
                                                {"out", "run/plan.cose"}};
    for (const auto& [what, file] : change) files[what] = file;
    return {"sealfold-coordinator", "plan",    Path(files["plan"]),  "--key",
            Path(files["key"]),     "--model", Path(files["model"]), "--out",
            Path(files["out"])};
  }
  // `sealfold-participant VERB` on a coordinator that is not there.
  std::vector<std::string> OnRun(const std::vector<std::string>& more,
                                 const std::string& policy = "policy.json") const {
    std::vector<std::string> arguments = {"sealfold-participant"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    for (const char* argument : {"--connect", kNobody, "--patience", "1", "--policy"}) {
      arguments.emplace_back(argument);
    }
    arguments.push_back(Path(policy));
    return arguments;
  }

  static constexpr char kPlan[] = R"({"name": "n", "rounds": 1, "quorum": 3, "range": 8.0,
      "weight_max": 512, "participant_files": ["north.pub", "south.pub", "west.pub"]})";

 private:
  const TempDir folder_;
};

TEST_F(ErrorsTest, MissingFiles) {
  ExpectFails({"sealfold-participant", "inspect", Path("none")}, kExitBadInput, "file_unreadable");
  ExpectFails({"sealfold-participant", "inspect", Path("")}, kExitBadInput, "file_unreadable");
  ExpectFails(
      {"sealfold-participant", "verify", "--record", Path("none"), "--policy", Path("policy.json")},
      kExitBadInput, "file_unusable");
  ExpectFails(
      {"sealfold-participant", "verify", "--record", Path("none"), "--policy", Path("none.json")},
      kExitBadInput, "file_unusable");
  ExpectFails(Plan({{"plan", "none.json"}}), kExitBadInput, "file_unusable");
  ExpectFails(Plan({{"key", "none.key"}}), kExitBadInput, "file_unusable");
  ExpectFails(Plan({{"model", "none.safetensors"}}), kExitBadInput, "file_unreadable");
  ExpectFails({"sealfold-coordinator", "serve", "--state", Path("none")}, kExitBadInput,
              "file_unusable");
  ExpectFails({"sealfold-coordinator", "launch", "--state", Path("none")}, kExitBadInput,
              "folder_missing");
  ExpectFails({"sealfold-coordinator", "close", "--state", Path("none")}, kExitBadInput,
              "folder_missing");
  ExpectFails({"sealfold-coordinator", "watch", "--state", Path("none")}, kExitBadInput,
              "folder_missing");
  ExpectFails({"sealfold-attest", "measure", "elf", Path("none")}, kExitBadInput,
              "measure_unreadable");
  ExpectFails(
      {"sealfold-softnsm", "serve", "--state", Path("none/state"), "--socket", Path("nsm.sock")},
      kExitBadInput, "authority_directory");
  ExpectFails({"hospitals-train", "evaluate", "--data", Path("none"), "--model",
               Path("data/initial.safetensors")},
              kExitBadInput, "file_unusable");
}

TEST_F(ErrorsTest, MalformedPlansAndPolicies) {
  Write("wrong.json", absl::StrReplaceAll(kPlan, {{"quorum", "qorum"}}));
  EXPECT_EQ(ExpectFails(Plan({{"plan", "wrong.json"}}), kExitBadInput, "field_unknown")["do"],
            "did you mean \"quorum\"?");
  Write("wrong.json", absl::StrReplaceAll(kPlan, {{"\"quorum\": 3", "\"quorum\": \"three\""}}));
  ExpectFails(Plan({{"plan", "wrong.json"}}), kExitBadInput, "field_invalid");
  Write("wrong.json", absl::StrReplaceAll(kPlan, {{"\"range\": 8.0,", ""}}));
  ExpectFails(Plan({{"plan", "wrong.json"}}), kExitBadInput, "field_missing");
  Write("wrong.json", absl::StrReplaceAll(kPlan, {{"\"quorum\": 3", "\"quorum\": 4"}}));
  ExpectFails(Plan({{"plan", "wrong.json"}}), kExitBadInput, "plan_quorum");
  Write("wrong.json", absl::StrReplaceAll(kPlan, {{"west.pub", "north.pub"}}));
  ExpectFails(Plan({{"plan", "wrong.json"}}), kExitBadInput, "plan_participants");
  Write("wrong.json", "{");
  ExpectFails(Plan({{"plan", "wrong.json"}}), kExitBadInput, "json_syntax");

  const std::string policy = *ReadFile(Path("policy.json"), 1 << 16);
  Write("wrong.json", absl::StrReplaceAll(policy, {{"\"evidence\"", "\"evidense\""}}));
  EXPECT_THAT(std::string(ExpectFails({"sealfold-participant", "inspect", Path("wrong.json")},
                                      kExitBadInput, "field_unknown")["do"]),
              HasSubstr("evidence"));
  Write("wrong.json", absl::StrReplaceAll(policy, {{std::string(96, 'a'), std::string(96, '0')}}));
  ExpectFails(OnRun({"fetch", "plan", "--out", Path("out")}, "wrong.json"), kExitBadInput,
              "policy_register_zero");
}

TEST_F(ErrorsTest, KeysThatAreNone) {
  ExpectFails(Plan({{"key", "secret"}}), kExitBadInput, "key_file_malformed");
  ExpectFails(Plan({{"key", "north"}}), kExitBadInput, "key_role_wrong");
  const auto submit = [&](const std::string& key) {
    return OnRun({"submit", "--key", Path(key), "--state", Path("state"), "--update", "u"});
  };
  ExpectFails(submit("none"), kExitBadInput, "file_unusable");
  ExpectFails(submit("secret"), kExitBadInput, "key_file_malformed");
  ExpectFails(submit("coordinator.key"), kExitBadInput, "key_role_wrong");
  ExpectFails(submit("north.pub"), kExitBadInput, "key_file_exposed");
  ExpectFails({"sealfold-participant", "keygen", "--out", Path("north"), "--name", "north"},
              kExitBadInput, "key_file_exists");
  ExpectFails({"sealfold-coordinator", "keygen", "--out", Path("none/key")}, kExitBadInput,
              "file_unusable");
}

TEST_F(ErrorsTest, FilesThatAreSomethingElse) {
  ExpectFails({"sealfold-participant", "inspect", Path("garbage")}, kExitBadInput, "file_unknown");
  ExpectFails({"sealfold-participant", "verify", "--record", Path("garbage"), "--policy",
               Path("policy.json")},
              kExitBadInput, "cbor_trailing");
  ExpectFails(Plan({{"model", "garbage"}}), kExitBadInput, "safetensors_header_too_long");
  ExpectFails({"hospitals-split", "--data", Path("garbage"), "--out", Path("out")}, kExitBadInput,
              "csv_header_wrong");
  ExpectFails({"sealfold-coordinator", "serve", "--state", Path("data")}, kExitBadInput,
              "file_unusable");
}

TEST_F(ErrorsTest, AddressesThatAreNone) {
  const std::vector<std::string> fetch = {"sealfold-participant", "fetch", "plan",     "--policy",
                                          Path("policy.json"),    "--out", Path("out")};
  std::vector<std::string> wrong = fetch;
  wrong.insert(wrong.end(), {"--connect", "nowhere"});
  ExpectFails(wrong, kExitBadInput, "endpoint_invalid");
  ExpectFails({"sealfold-coordinator", "watch", "--connect", "nowhere"}, kExitBadInput,
              "endpoint_invalid");
  ASSERT_EQ(Ran(Plan()).exit_code, kExitDone);
  ExpectFails({"sealfold-coordinator", "serve", "--state", Path("run"), "--listen", "nowhere"},
              kExitBadInput, "listen_failed");
  ExpectFails({"sealfold-aggregator", "serve", "--host-link", "tcp://127.0.0.1:1", "--attester",
               Path("nsm.sock")},
              kExitBadInput, "host_link_not_ipc");
}

TEST_F(ErrorsTest, PeersThatAreNotThere) {
  ExpectFails(OnRun({"fetch", "plan", "--out", Path("out")}), kExitNetwork, "peer_silent");
  const std::vector<std::string> own = {"--key", Path("north"), "--state", Path("state")};
  std::vector<std::string> join = {"join", "--train", "true"};
  join.insert(join.end(), own.begin(), own.end());
  ExpectFails(OnRun(join), kExitNetwork, "peer_silent");
  std::vector<std::string> submit = {"submit", "--update", Path("data/initial.safetensors")};
  submit.insert(submit.end(), own.begin(), own.end());
  ExpectFails(OnRun(submit), kExitNetwork, "peer_silent");
  ASSERT_EQ(Ran(Plan()).exit_code, kExitDone);
  ExpectError(Ran({"sealfold-coordinator", "launch", "--state", Path("run")}), kExitNetwork,
              "host_absent");
  ExpectFails({"sealfold-aggregator", "serve", "--host-link", "ipc://" + Path("a.sock"),
               "--attester", Path("nsm.sock")},
              kExitNetwork, "attester_unreachable");
}

TEST_F(ErrorsTest, APlatformThatTheBuildLacksIsRefused) {
  ExpectFails({"sealfold-aggregator", "serve", "--host-link", "ipc://" + Path("a.sock"),
               "--attester", Path("nsm.sock"), "--platform", "another"},
              kExitRefused, "platform_unknown");
}

}  // namespace
}  // namespace sealfold
