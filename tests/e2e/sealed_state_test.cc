// An aggregator's state across restarts: aggregator, coordinator, key broker and platform as
// processes.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "absl/strings/escaping.h"
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
    SetCoordinator({});
    federation().set_aggregator_arguments({"--key-service", "127.0.0.1", "--key-service-port", port,
                                           "--key-service-ca", Path("broker/tls.pem"), "--key",
                                           "alias/state"});
  }

  Federation& federation() { return study_.federation(); }
  void SetCoordinator(const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"--key-service",
                                          absl::StrCat("127.0.0.1:", broker_.port()),
                                          "--key-access", Path("access.json")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    federation().set_coordinator_arguments(std::move(arguments));
  }
  std::string Path(const std::string& below) { return federation().Path(below); }
  int Run(const std::string& program, const std::vector<std::string>& arguments,
          int expected = kExitDone) {
    const ProgramResult result = *federation().Run(program, arguments);
    EXPECT_EQ(result.exit_code, expected) << program << ": " << result.err;
    return result.exit_code;
  }
  std::string ChangedAggregator() {
    std::string changed = Path("changed-aggregator");
    std::filesystem::copy_file(federation().Program("sealfold-aggregator"), changed);
    std::ofstream(changed, std::ios::app | std::ios::binary) << '\0';
    return changed;
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
  // All take part until the run ends: what the first one's `join` says, as JSON Lines.
  std::string JoinToTheEnd() {
    std::vector<ChildProcess> joined;
    for (size_t i = 0; i < KnownStudy::kParticipants; ++i) {
      joined.push_back(*federation().Join(i, absl::StrCat(SEALFOLD_KNOWN_TRAINER, " ", i), true));
    }
    std::string said;
    for (ChildProcess& each : joined) {
      std::string out;
      std::string err;
      each.ReadAll(out, err);
      EXPECT_EQ(each.Wait(), kExitDone) << out;
      if (&each == &joined.front()) said = out;
    }
    return said;
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
  // Ends the run, whose folder is `kept_as` from then on, and launches the next: the same study
  // with a plan of another name.
  void NextRun(const std::string& kept_as, const std::vector<std::string>& more,
               const std::string& program = "") {
    for (ChildProcess* process : {&federation().aggregator(), &federation().coordinator()}) {
      process->Signal(SIGKILL);
      process->Wait();
    }
    std::filesystem::rename(Path("coordinator"), Path(kept_as));
    std::filesystem::create_directory(Path("coordinator"));
    json plan = json::parse(ReadFile(Path("plan.json"), kFileBytesMax).value());
    plan["name"] = "after the " + kept_as;
    ASSERT_TRUE(WriteFileAtomic(Path("plan.json"), plan.dump()).ok());
    Run("sealfold-coordinator",
        {"plan", Path("plan.json"), "--key", Path("coordinator.key"), "--model",
         Path("initial.safetensors"), "--out", Path("coordinator/plan.cose")});
    SetCoordinator(more);
    absl::Status status = federation().StartCoordinator();
    ASSERT_TRUE(status.ok()) << status;
    status = federation().StartAggregator(program);
    ASSERT_TRUE(status.ok()) << status;
    status = federation().Launch();
    ASSERT_TRUE(status.ok()) << status;
  }
  // All participants accept an aggregator of this identity only; none: any.
  void Pin(const std::optional<std::string>& identity) {
    json policy = json::parse(ReadFile(Path("policy.json"), kFileBytesMax).value());
    policy.erase("identity");
    if (identity.has_value()) policy["identity"] = {*identity};
    ASSERT_TRUE(WriteFileAtomic(Path("policy.json"), policy.dump()).ok());
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
  const std::string changed = ChangedAggregator();
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

TEST_F(SealedStateTest, TheNextRunIsOfTheSameAggregator) {
  ASSERT_NO_FATAL_FAILURE(study_.Start());
  ASSERT_NO_FATAL_FAILURE(RunRound(1));
  const std::optional<std::string> identity = Identity(1);
  ASSERT_TRUE(identity.has_value());
  // Whoever has seen it asks for no other, also in a run of another plan.
  Pin(identity);
  ASSERT_NO_FATAL_FAILURE(NextRun("first", {"--identity-from", Path("first/state-1.cbor")}));
  ASSERT_NO_FATAL_FAILURE(RunRound(1));
  EXPECT_EQ(Identity(1), identity);
  EXPECT_TRUE(std::filesystem::exists(Path("coordinator/state-1.cbor")));
  EXPECT_EQ(Count("sealfold-aggregator", "stays closed"), 0u) << Log("sealfold-aggregator");
  // And again from there.
  ASSERT_NO_FATAL_FAILURE(NextRun("second", {"--identity-from", Path("second/state-1.cbor")}));
  ASSERT_NO_FATAL_FAILURE(RunRound(1));
  EXPECT_EQ(Identity(1), identity);

  // Without the state an aggregator is another, which such a policy refuses.
  ASSERT_NO_FATAL_FAILURE(NextRun("third", {}));
  ChildProcess sent = *federation().Submit(0, Path("initial.safetensors"), 1);
  std::string out;
  std::string err;
  sent.ReadAll(out, err);
  EXPECT_EQ(sent.Wait(), kExitRefused) << out;
  EXPECT_NE(Log("alpha").find("identity_not_accepted"), std::string::npos) << Log("alpha");
  Pin({});
  ASSERT_NO_FATAL_FAILURE(RunRound(1));
  EXPECT_TRUE(Identity(1).has_value());
  EXPECT_NE(Identity(1), identity);
}

TEST_F(SealedStateTest, JoinKnowsTheAggregatorOfAnEarlierRun) {
  const std::string known = R"("identity_of_earlier_run":true)";
  ASSERT_NO_FATAL_FAILURE(study_.Start());
  EXPECT_FALSE(absl::StrContains(JoinToTheEnd(), known));
  ASSERT_NO_FATAL_FAILURE(NextRun("first", {"--identity-from", Path("first/state-3.cbor")}));
  EXPECT_TRUE(absl::StrContains(JoinToTheEnd(), known));
  ASSERT_NO_FATAL_FAILURE(NextRun("second", {}));
  EXPECT_FALSE(absl::StrContains(JoinToTheEnd(), known));
}

// The policy of the state's key decides for the next run as it does for the next round.
TEST_F(SealedStateTest, TheNextVersionHasTheIdentityOnceItsSignersNameIt) {
  ASSERT_NO_FATAL_FAILURE(study_.Start());
  ASSERT_NO_FATAL_FAILURE(RunRound(1));
  const std::string identity = absl::HexStringToBytes(Identity(1).value_or(""));
  ASSERT_EQ(identity.size(), 32u);
  const std::string changed = ChangedAggregator();
  ASSERT_NO_FATAL_FAILURE(
      NextRun("first", {"--identity-from", Path("first/state-1.cbor")}, changed));
  WaitFor([&] { return Count("sealfold-coordinator", "key_refused") == 1; }, "the host's note");
  EXPECT_EQ(Count("changed-aggregator", "stays closed"), 1u);
  EXPECT_EQ(Count("changed-aggregator", kReleased), 0u);
  // No new identity took the place of the one that could not be had.
  EXPECT_FALSE(std::filesystem::exists(Path("coordinator/state-0.cbor")));

  const int port = broker_.port();
  broker_.Stop();
  broker_.Run({"key", "release", "state", "--release", Sign(2, changed, {"north", "south"})});
  broker_.Serve(port);
  ASSERT_NO_FATAL_FAILURE(StartAggregatorOver(changed));
  WaitFor([&] { return std::filesystem::exists(Path("coordinator/state-0.cbor")); }, "a state");
  // A state's header is in the clear, and has the identity.
  const std::string state = ReadFile(Path("coordinator/state-0.cbor"), kFileBytesMax).value();
  EXPECT_NE(state.find(identity), std::string::npos);
}

// A key service that is away for a while costs the rounds of that while their identity, no more.
TEST_F(SealedStateTest, TheIdentityIsBackOnceTheKeyServiceIs) {
  ASSERT_NO_FATAL_FAILURE(study_.Start());
  ASSERT_NO_FATAL_FAILURE(RunRound(1));
  const std::optional<std::string> identity = Identity(1);
  ASSERT_TRUE(identity.has_value());
  const int port = broker_.port();
  broker_.Kill();
  ASSERT_NO_FATAL_FAILURE(NextRun("first", {"--identity-from", Path("first/state-1.cbor")}));
  WaitFor([&] { return Count("sealfold-coordinator", "stays closed") == 1; }, "the host's note");
  broker_.Serve(port);
  ASSERT_NO_FATAL_FAILURE(RunRound(1));
  EXPECT_EQ(Identity(1), std::nullopt);
  EXPECT_FALSE(std::filesystem::exists(Path("coordinator/state-1.cbor")));

  ASSERT_NO_FATAL_FAILURE(RunRound(2));
  EXPECT_EQ(Identity(2), identity);
  EXPECT_TRUE(std::filesystem::exists(Path("coordinator/state-2.cbor")));
  EXPECT_EQ(Count("sealfold-coordinator", "stays closed"), 1u) << Log("sealfold-coordinator");
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
