// A run on evidence of a real (software) TPM, from its enrolment on: all of it by the programs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "absl/strings/str_cat.h"
#include "attest/testing/devices/swtpm.h"
#include "attest/testing/forge/forge_log.h"
#include "attest/tpm/log/event_log.h"
#include "attest/tpm/structure/tpm_hash.h"
#include "protocol/program/program.h"
#include "tests/e2e/study.h"

namespace sealfold {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr size_t kFileBytesMax = 1 << 20;

class TpmEvidenceTest : public ::testing::Test {
 protected:
  TpmEvidenceTest() { Boot(tpm_, 0x44); }

  Federation& federation() { return study_.federation(); }
  std::string Path(const std::string& below) { return federation().Path(below); }

  // As a machine that starts a program: register 4 is extended by a digest of `byte`s.
  static void Boot(const Swtpm& tpm, uint8_t byte) {
    absl::StatusOr<Esys> esys = Retried<Esys>([&] { return Esys::Open(tpm.conf()); });
    ASSERT_TRUE(esys.ok()) << esys.status();
    ExtendRegister(*esys, 4, byte);
  }
  // Every event of the log, in both banks.
  static void BootAs(const Swtpm& tpm, const LogWriter& log) {
    absl::StatusOr<Esys> esys = Retried<Esys>([&] { return Esys::Open(tpm.conf()); });
    ASSERT_TRUE(esys.ok()) << esys.status();
    const EventLog sha256 = ParseEventLog(log.bytes(), kTpmAlgSha256).value();
    const EventLog sha384 = ParseEventLog(log.bytes(), kTpmAlgSha384).value();
    for (size_t i = 0; i < sha256.events.size(); ++i) {
      ExtendRegister(*esys, sha256.events[i].register_index, sha256.events[i].digest,
                     sha384.events[i].digest);
    }
  }
  std::string Write(const std::string& name, const LogWriter& log) {
    EXPECT_TRUE(WriteFileAtomic(Path(name), AsText(log.bytes())).ok());
    return Path(name);
  }
  // swtpm serves one connection at a time and may drop one that comes while the last one closes.
  template <class T>
  static absl::StatusOr<T> Retried(const std::function<absl::StatusOr<T>()>& call) {
    absl::StatusOr<T> result = call();
    for (int i = 0; i < 50 && result.status().code() == absl::StatusCode::kUnavailable; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      result = call();
    }
    return result;
  }
  json Attest(std::vector<std::string> arguments, int expected = kExitDone) {
    arguments.emplace_back("--json");
    ProgramResult result;
    for (int i = 0; i < 50; ++i) {
      result = *federation().Run("sealfold-attest", arguments);
      if (result.exit_code != kExitNetwork || expected == kExitNetwork) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    EXPECT_EQ(result.exit_code, expected) << arguments[0] << " " << arguments[1] << result.err;
    return json::parse(expected == kExitDone ? result.out : result.err, nullptr, false);
  }
  // The four steps; the name of the attestation key.
  std::string Enrol() {
    const json request =
        Attest({"enrol", "request", "--tpm", tpm_.conf(), "--out", Path("request")});
    Attest({"enrol", "credential", Path("request"), "--endorsement-key",
            request["endorsement_key"].get<std::string>(), "--state", Path("enrolment"), "--out",
            Path("credential")});
    Attest(
        {"enrol", "activate", Path("credential"), "--tpm", tpm_.conf(), "--out", Path("answer")});
    const json finished = Attest({"enrol", "finish", Path("answer"), "--state", Path("enrolment")});
    EXPECT_EQ(finished["attestation_key"], request["attestation_key"]);
    return finished["attestation_key"].get<std::string>();
  }
  // All participants' policy: this key, and register 4 as after Boot.
  void AcceptTpm(const std::string& key) {
    json policy = json::parse(ReadFile(Path("policy.json"), kFileBytesMax).value());
    const Bytes pcr4 = TpmHash(kTpmAlgSha384, {Bytes(48), Bytes(48, 0x44)});
    policy["evidence"] = {
        {"platform", "tpm2"},
        {"attestation_keys", {key}},
        {"reference_values", {{{"name", "this boot"}, {"pcr4", HexEncode(pcr4)}}}}};
    ASSERT_TRUE(WriteFileAtomic(Path("policy.json"), policy.dump()).ok());
  }
  void Start() {
    federation().set_attester(tpm_.conf());
    federation().set_aggregator_arguments({"--platform", "tpm2", "--tpm-bank", "sha384"});
    absl::Status status = federation().StartCoordinator();
    ASSERT_TRUE(status.ok()) << status;
    for (int i = 0; i < 50; ++i) {
      status = federation().StartAggregator();
      if (status.ok()) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    ASSERT_TRUE(status.ok()) << status;
    status = federation().Launch();
    ASSERT_TRUE(status.ok()) << status;
  }

  Swtpm tpm_;
  KnownStudy study_{{.rounds = 2}};
};

TEST_F(TpmEvidenceTest, ParticipantsVerifyTheQuoteAndSubmit) {
  const std::string key = Enrol();
  AcceptTpm(key);
  ASSERT_NO_FATAL_FAILURE(Start());
  for (size_t i = 0; i < KnownStudy::kParticipants; ++i) ASSERT_NO_FATAL_FAILURE(study_.Join(i));
  study_.Finish();
  study_.ExpectRightModels();
  const ProgramResult record = *federation().Run(
      "sealfold-participant", {"inspect", Path("coordinator/record-2.cbor"), "--json"});
  EXPECT_THAT(record.out, HasSubstr(key)) << "its evidence is that key's";
}

TEST_F(TpmEvidenceTest, AMachineThatBootedOtherwiseGetsNothing) {
  AcceptTpm(Enrol());
  Boot(tpm_, 0x45);
  ASSERT_NO_FATAL_FAILURE(Start());
  ChildProcess submit = *federation().Submit(0, Path("initial.safetensors"), 1);
  std::string out;
  std::string err;
  submit.ReadAll(out, err);
  EXPECT_EQ(submit.Wait(), kExitRefused) << out;
  EXPECT_THAT(ReadFile(Path("logs/alpha.log"), kFileBytesMax).value(),
              HasSubstr("evidence_registers"));
}

TEST_F(TpmEvidenceTest, EvidenceIsMadeByHandToo) {
  const std::string key = Enrol();
  AcceptTpm(key);
  for (const std::string& bank : {std::string("sha384"), std::string("sha256")}) {
    const std::string evidence = Path("evidence-" + bank);
    Attest({"make", "--platform", "tpm2", "--attester", tpm_.conf(), "--tpm-bank", bank, "--nonce",
            "0102", "--out", evidence});
    const std::vector<std::string> verify = {"verify",  evidence, "--policy", Path("policy.json"),
                                             "--nonce", "0102"};
    if (bank == "sha256") {
      Attest(verify, kExitRefused);
      continue;
    }
    EXPECT_THAT(Attest(verify)["caveat"].get<std::string>(), HasSubstr("operator"));
  }
}

// The machine's log and a reference differ in one component: the boot loader.
TEST_F(TpmEvidenceTest, TheEventThatMakesARegisterDifferIsNamed) {
  const Swtpm machine;
  const LogWriter booted = BootLog("\\EFI\\BOOT\\OTHER.EFI");
  BootAs(machine, booted);
  const std::string log = Write("machine.log", booted);
  const std::string reference = Write("reference.log", BootLog());
  const std::string policy = Path("policy-of-reference.json");
  const std::vector<std::string> make = {
      "make",   "--platform",      "tpm2", "--attester", machine.conf(),  "--tpm-bank",
      "sha384", "--tpm-event-log", log,    "--out",      Path("evidence")};
  Attest(make);
  const json explained = Attest({"explain", Path("evidence"), "--reference-log", reference});
  const json differences = explained["fields"]["differences"];
  EXPECT_THAT(differences["pcr4"].get<std::string>(),
              AllOf(HasSubstr("expected event 5"), HasSubstr("BOOTX64.EFI"),
                    HasSubstr("; found event 5"), HasSubstr("OTHER.EFI")));
  for (const char* same : {"pcr0", "pcr5", "pcr7"}) {
    EXPECT_EQ(differences[same], "as in the reference log");
  }
  EXPECT_EQ(Attest({"explain", Path("evidence")})["fields"]["events"].size(), 6u);

  // Judged by a policy that accepts what the reference leads to.
  const auto pcr4 = ReplayEventLog(ParseEventLog(BootLog().bytes(), kTpmAlgSha384).value()).at(4);
  const json accepted = {
      {"format", "sealfold-evidence-policy-1"},
      {"evidence",
       {{"platform", "tpm2"},
        {"attestation_keys", {explained["fields"]["attestation_key"]}},
        {"reference_values", {{{"name", "reference"}, {"pcr4", HexEncode(pcr4)}}}}}}};
  ASSERT_TRUE(WriteFileAtomic(policy, accepted.dump()).ok());
  const std::vector<std::string> verify = {"sealfold-attest", "verify",  Path("evidence"),
                                           "--policy",        policy,    "--any-age",
                                           "--reference-log", reference, "--json"};
  const ProgramResult judged = *federation().Run(
      "sealfold-attest", std::vector<std::string>(verify.begin() + 1, verify.end()));
  EXPECT_EQ(judged.exit_code, kExitRefused);
  EXPECT_EQ(json::parse(judged.out)["differences"], differences);
  // Another boot's log leads nowhere; and a file that is no log is told.
  const json other =
      Attest({"explain", Path("evidence"), "--event-log", reference, "--reference-log", reference});
  EXPECT_THAT(other["fields"]["differences"]["pcr4"].get<std::string>(),
              HasSubstr("does not lead to it"));
  Attest({"explain", Path("evidence"), "--reference-log", policy}, kExitBadInput);
}

TEST_F(TpmEvidenceTest, AnotherMachineCannotFinishAnEnrolment) {
  const json request = Attest({"enrol", "request", "--tpm", tpm_.conf(), "--out", Path("request")});
  const std::vector<std::string> credential = {"enrol",
                                               "credential",
                                               Path("request"),
                                               "--endorsement-key",
                                               request["endorsement_key"],
                                               "--state",
                                               Path("enrolment"),
                                               "--out",
                                               Path("credential")};
  Attest(credential);
  EXPECT_EQ(Attest(credential, kExitBadInput)["error"], "enrolment_exists");
  const Swtpm other;
  EXPECT_EQ(Attest({"enrol", "activate", Path("credential"), "--tpm", other.conf(), "--out",
                    Path("answer")},
                   kExitNetwork)["error"],
            "tpm_device");
  ASSERT_TRUE(WriteFileAtomic(Path("answer"), std::string(64, '0')).ok());
  const std::vector<std::string> finish = {"enrol", "finish", Path("answer"), "--state",
                                           Path("enrolment")};
  EXPECT_EQ(Attest(finish, kExitRefused)["error"], "credential_wrong");
  Attest(finish, kExitBadInput);  // one answer: what was kept for it is gone
  std::vector<std::string> unknown = credential;
  unknown[4] = std::string(68, '0');
  EXPECT_EQ(Attest(unknown, kExitRefused)["error"], "endorsement_key");
}

}  // namespace
}  // namespace sealfold
