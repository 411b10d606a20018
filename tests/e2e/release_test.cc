// An aggregator that hands its release over: hospitals that name builders accept the next release
// without a hand of theirs, and its records too.
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/program/program.h"
#include "tests/e2e/study.h"

namespace sealfold {
namespace {

using nlohmann::json;

constexpr size_t kFileBytesMax = 1 << 20;

class ReleaseHandedOverTest : public ::testing::Test {
 protected:
  ReleaseHandedOverTest() {
    for (const std::string& signer : {std::string("north"), std::string("south")}) {
      Run("sealfold-attest", {"keygen", "--out", Path(signer), "--name", signer});
    }
  }

  Federation& federation() { return study_.federation(); }
  std::string Path(const std::string& below) { return federation().Path(below); }
  ProgramResult Run(const std::string& program, const std::vector<std::string>& arguments) {
    ProgramResult result = *federation().Run(program, arguments);
    EXPECT_EQ(result.exit_code, kExitDone) << program << ": " << result.err;
    return result;
  }
  json Key(const std::string& signer) {
    return json::parse(ReadFile(Path(signer + ".pub"), kFileBytesMax).value())["key"];
  }
  // A release of this build's aggregator; its file.
  std::string Sign(uint64_t version, const std::vector<std::string>& signers) {
    std::string file = Path(absl::StrCat("release-", version, "-", signers.size()));
    for (const std::string& signer : signers) {
      Run("sealfold-attest",
          {"release", "sign", file, "--kind", "elf", "--build",
           federation().Program("sealfold-aggregator"), "--platform", "sealfold-softnsm",
           "--subject", "sealfold-aggregator", "--release-version", absl::StrCat(version),
           "--source", "here", "--builder", "a test", "--key", Path(signer)});
    }
    return file;
  }
  // The policy of all participants names two builders, and no value.
  void AcceptByBuilders(uint64_t version_min) {
    json policy = json::parse(ReadFile(Path("policy.json"), kFileBytesMax).value());
    policy["evidence"].erase("reference_values");
    policy["evidence"]["releases"] = {{"subject", "sealfold-aggregator"},
                                      {"signers", {Key("north"), Key("south")}},
                                      {"k", 2},
                                      {"version_min", version_min}};
    ASSERT_TRUE(WriteFileAtomic(Path("policy.json"), policy.dump()).ok());
  }
  void Start(const std::string& release) {
    federation().set_coordinator_arguments(release.empty()
                                               ? std::vector<std::string>{}
                                               : std::vector<std::string>{"--release", release});
    study_.Start();
  }
  // What `submit` of the first participant says to the offer.
  std::string Refusal() {
    const ProgramResult result = *federation().Run(
        "sealfold-participant",
        {"submit", "--connect", federation().endpoint(), "--policy", Path("policy.json"), "--key",
         Path("alpha/key"), "--state", Path("alpha/state"), "--update", Path("initial.safetensors"),
         "--weight", "1"});
    EXPECT_EQ(result.exit_code, kExitRefused) << result.out << result.err;
    return result.out + result.err;
  }

  KnownStudy study_{{.rounds = 1}};
};

TEST_F(ReleaseHandedOverTest, NoHospitalNeedsToKnowItBefore) {
  AcceptByBuilders(2);
  Start(Sign(2, {"north", "south"}));
  for (size_t i = 0; i < KnownStudy::kParticipants; ++i) study_.Join(i);
  study_.Finish();
  study_.ExpectRightModels();  // `verify` by the same policy: the record carries the release
}

TEST_F(ReleaseHandedOverTest, TooFewSignersAreRefused) {
  AcceptByBuilders(2);
  Start(Sign(2, {"north"}));
  EXPECT_TRUE(absl::StrContains(Refusal(), "release_signers"));
}

TEST_F(ReleaseHandedOverTest, AnOldVersionIsRefused) {
  AcceptByBuilders(3);
  Start(Sign(2, {"north", "south"}));
  EXPECT_TRUE(absl::StrContains(Refusal(), "release_version"));
}

TEST_F(ReleaseHandedOverTest, WithoutOneNothingIsAccepted) {
  AcceptByBuilders(2);
  Start("");
  EXPECT_TRUE(absl::StrContains(Refusal(), "evidence_registers"));
}

}  // namespace
}  // namespace sealfold
