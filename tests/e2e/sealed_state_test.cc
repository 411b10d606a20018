// An aggregator's state across restarts: aggregator, coordinator, key broker and platform as
// processes.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "attest/testing/programs/broker_process.h"
#include "protocol/program/program.h"
#include "tests/e2e/study.h"

namespace sealfold {
namespace {

using nlohmann::json;

constexpr size_t kFileBytesMax = size_t{1} << 30;
constexpr char kReleased[] = "the key service released the key of its state";

class SealedStateTest : public ::testing::Test {
 protected:
  SealedStateTest() {
    EXPECT_TRUE(
        WriteFileAtomic(Path("passphrase"), "correct horse battery staple\n", /*secret=*/true)
            .ok());
    broker_.Run({"init", "--software-root", Path("platform/root.pem")});
    std::vector<std::string> create = {"key",        "create",           "state",
                                       "--platform", "sealfold-softnsm", "--signers-needed",
                                       "2",          "--release"};
    for (const std::string& signer : {std::string("north"), std::string("south")}) {
      Run("sealfold-attest", {"keygen", "--out", Path(signer), "--name", signer});
    }
    create.push_back(Sign(1, federation().Program("sealfold-aggregator"), {"north", "south"}));
    for (const std::string& signer : {std::string("north"), std::string("south")}) {
      const json key = json::parse(ReadFile(Path(signer + ".pub"), kFileBytesMax).value());
      create.insert(create.end(), {"--signer", key["key"].get<std::string>()});
    }
    broker_.Run(create);
    broker_.Run({"caller", "create", "aggregator", "--out", Path("access.json")});
    broker_.Serve();
    const std::string port = absl::StrCat(broker_.port());
    federation().set_coordinator_arguments(
        {"--key-service", "127.0.0.1:" + port, "--key-access", Path("access.json")});
    federation().set_aggregator_arguments({"--key-service", "127.0.0.1", "--key-service-port", port,
                                           "--key-service-ca", Path("broker/tls.pem"), "--key",
                                           "alias/state"});
  }

  Federation& federation() { return study_.federation(); }
  std::string Path(const std::string& below) { return federation().Path(below); }
  int Run(const std::string& program, const std::vector<std::string>& arguments,
          int expected = kExitDone) {
    const ProgramResult result = *federation().Run(program, arguments);
    EXPECT_EQ(result.exit_code, expected) << program << ": " << result.err;
    return result.exit_code;
  }
  // A release of `build` as the aggregator; its file.
  std::string Sign(uint64_t version, const std::string& build,
                   const std::vector<std::string>& signers) {
    std::string file = Path(absl::StrCat("release-", version, "-", signers.size()));
    for (const std::string& signer : signers) {
      Run("sealfold-attest", {"release", "sign", file, "--kind", "elf", "--build", build,
                              "--platform", "sealfold-softnsm", "--subject", "sealfold-aggregator",
                              "--release-version", absl::StrCat(version), "--source", "here",
                              "--builder", "a test", "--key", Path(signer)});
    }
    return file;
  }
  std::string Log(const std::string& program) {
    return ReadFile(Path("logs/" + program + ".log"), kFileBytesMax).value_or("");
  }
  size_t Count(const std::string& program, const std::string& text) {
    const std::string log = Log(program);
    size_t count = 0;
    for (size_t at = log.find(text); at != std::string::npos; at = log.find(text, at + 1)) ++count;
    return count;
  }
  static void WaitFor(const std::function<bool()>& there, const std::string& what) {
    for (int i = 0; i < 600 && !there(); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
    ASSERT_TRUE(there()) << what;
  }
  void RunRound(uint64_t round) {
    std::vector<ChildProcess> sent;
    for (size_t i = 0; i < KnownStudy::kParticipants; ++i) {
      sent.push_back(*federation().Submit(i, Path("initial.safetensors"), 1));
    }
    for (ChildProcess& each : sent) {
      std::string out;
      std::string err;
      each.ReadAll(out, err);
      ASSERT_EQ(each.Wait(), kExitDone) << out;
    }
    WaitFor([&] { return std::filesystem::exists(study_.ModelPath(round)); }, "a model");
  }
  // Of the aggregator of a round, as `inspect` shows it.
  std::optional<std::string> Identity(uint64_t round) {
    const ProgramResult result = *federation().Run(
        "sealfold-participant",
        {"inspect", Path(absl::StrCat("coordinator/record-", round, ".cbor")), "--json"});
    const json fields = json::parse(result.out, nullptr, false)["fields"];
    if (!fields["identity"].is_string()) return std::nullopt;
    return fields["identity"].get<std::string>();
  }
  // `verify` of rounds 1 and 2 by the study's policy, with `identity` as the only one accepted.
  int VerifyWith(const std::string& identity) {
    json policy = json::parse(ReadFile(Path("policy.json"), kFileBytesMax).value());
    policy["identity"] = {identity};
    EXPECT_TRUE(WriteFileAtomic(Path("policy-identity.json"), policy.dump()).ok());
    const ProgramResult result = *federation().Run(
        "sealfold-participant",
        {"verify", "--record", Path("coordinator/record-1.cbor"), "--record",
         Path("coordinator/record-2.cbor"), "--policy", Path("policy-identity.json")});
    if (result.exit_code == kExitDone) {
      EXPECT_NE(result.out.find(identity), std::string::npos) << result.out;
    }
    return result.exit_code;
  }
  void StartAggregatorOver(const std::string& program = "") {
    federation().aggregator().Signal(SIGKILL);
    federation().aggregator().Wait();
    const absl::Status started = federation().StartAggregator(program);
    ASSERT_TRUE(started.ok()) << started;
  }

  KnownStudy study_{
      {.rounds = 3, .delivery = "sealed", .attempts_max = 9, .policy_attempts_max = 9}};
  BrokerProcess broker_{federation().Program("sealfold-keybroker"),
                        Path("broker"),
                        {"--passphrase-file", Path("passphrase")}};
};

TEST_F(SealedStateTest, AnAggregatorThatIsKilledBetweenRoundsGoesOn) {
  ASSERT_NO_FATAL_FAILURE(study_.Start());
  ASSERT_NO_FATAL_FAILURE(RunRound(1));
  EXPECT_EQ(Count("sealfold-aggregator", kReleased), 1u);
  EXPECT_TRUE(std::filesystem::exists(Path("coordinator/state-1.cbor")));

  ASSERT_NO_FATAL_FAILURE(StartAggregatorOver());
  WaitFor([&] { return Count("sealfold-aggregator", kReleased) == 2; }, "the state's key");
  ASSERT_NO_FATAL_FAILURE(RunRound(2));
  EXPECT_EQ(Count("sealfold-aggregator", "stays closed"), 0u) << Log("sealfold-aggregator");
  EXPECT_TRUE(std::filesystem::exists(Path("coordinator/state-2.cbor")));
  // Both are the same aggregator, and a policy can ask for no other.
  const std::optional<std::string> identity = Identity(1);
  ASSERT_TRUE(identity.has_value());
  EXPECT_EQ(Identity(2), identity);
  EXPECT_EQ(VerifyWith(*identity), kExitDone);
  EXPECT_EQ(VerifyWith(std::string(64, 'a')), kExitRefused);

  // A program that differs in a byte is not given the key, and goes on without the state.
  const std::string changed = Path("changed-aggregator");
  std::filesystem::copy_file(federation().Program("sealfold-aggregator"), changed);
  std::ofstream(changed, std::ios::app | std::ios::binary) << '\0';
  ASSERT_NO_FATAL_FAILURE(StartAggregatorOver(changed));
  WaitFor([&] { return Count("changed-aggregator", "stays closed") == 1; }, "a refusal");
  EXPECT_NE(Log("changed-aggregator").find("evidence_registers"), std::string::npos)
      << Log("changed-aggregator");
  WaitFor([&] { return Count("sealfold-coordinator", "key_refused") == 1; }, "the host's note");
  EXPECT_EQ(Count("changed-aggregator", kReleased), 0u);

  // Until enough of its signers name that program; then it goes on, and the one before does not.
  const int port = broker_.port();
  broker_.Stop();
  const std::vector<std::string> by_one =
      broker_.Arguments({"key", "release", "state", "--release", Sign(2, changed, {"north"})});
  EXPECT_EQ(RunToEnd(by_one)->exit_code, kExitRefused);
  broker_.Run({"key", "release", "state", "--release", Sign(2, changed, {"north", "south"})});
  broker_.Serve(port);
  ASSERT_NO_FATAL_FAILURE(StartAggregatorOver(changed));
  WaitFor([&] { return Count("changed-aggregator", kReleased) == 1; }, "the state's key");
  EXPECT_EQ(Count("changed-aggregator", "stays closed"), 1u) << Log("changed-aggregator");
  ASSERT_NO_FATAL_FAILURE(StartAggregatorOver());
  WaitFor([&] { return Count("sealfold-aggregator", "stays closed") == 1; }, "a refusal");
  EXPECT_EQ(Run("sealfold-keybroker", {"log", "verify", "--state", Path("broker")}), kExitDone);
}

TEST_F(SealedStateTest, WithoutTheKeyServiceRoundsGoOn) {
  broker_.Kill();
  ASSERT_NO_FATAL_FAILURE(study_.Start());
  ASSERT_NO_FATAL_FAILURE(RunRound(1));
  EXPECT_FALSE(std::filesystem::exists(Path("coordinator/state-1.cbor")));
  EXPECT_EQ(Identity(1), std::nullopt);
}

}  // namespace
}  // namespace sealfold
