// Policies and releases for machines with a TPM: whose keys, and in which bank.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"
#include "tests/cli/run.h"

namespace sealfold {
namespace {

using nlohmann::json;

constexpr char kUki[] = SEALFOLD_TEST_DATA "/measure/uki-252.efi";

class TpmPolicyTest : public ::testing::Test {
 protected:
  std::string Path(absl::string_view below) const { return folder_.Path(below); }
  std::vector<std::string> Init(const std::string& out, std::vector<std::string> more) const {
    std::vector<std::string> all = {"sealfold-attest", "policy", "init",  "--kind", "uki",
                                    "--build",         kUki,     "--out", Path(out)};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  json Evidence(const std::string& policy) const {
    return json::parse(ReadFile(Path(policy), 1 << 20).value())["evidence"];
  }
  // Of the build, as `measure` says.
  static std::string Pcr4(const std::string& bank) {
    return RunJsonOne({"sealfold-attest", "measure", "uki", kUki})["banks"][bank]["pcr4"];
  }

  const TempDir folder_;
  const std::string key_ = "000b" + std::string(64, '5');
};

TEST_F(TpmPolicyTest, AcceptsTheKeysNamedInTheBanksNamed) {
  const json made =
      RunJsonOne(Init("p.json", {"--platform", "tpm2", "--attestation-key", key_, "--name",
                                 "image 7", "--bank", "sha384", "--bank", "sha256"}));
  const json evidence = Evidence("p.json");
  EXPECT_EQ(evidence["attestation_keys"], json({key_}));
  const json& sets = evidence["reference_values"];
  ASSERT_EQ(sets.size(), 2u);
  EXPECT_EQ(sets[0]["name"], "image 7, sha256");
  EXPECT_EQ(sets[0]["pcr4"], Pcr4("sha256"));
  EXPECT_EQ(sets[1]["name"], "image 7, sha384");
  EXPECT_EQ(sets[1]["pcr4"], Pcr4("sha384"));
  EXPECT_EQ(made["pcr4"], Pcr4("sha384"));
  EXPECT_EQ(made["reference_values"][0]["pcr4"], Pcr4("sha256"));
}

TEST_F(TpmPolicyTest, TakesTheBankAskedForIfThePlatformHasIt) {
  RunJsonOne(Init("p.json", {"--platform", "tpm2", "--attestation-key", key_, "--bank", "sha256",
                             "--registers", "4"}));
  const json sets = Evidence("p.json")["reference_values"];
  ASSERT_EQ(sets.size(), 1u);
  EXPECT_EQ(sets[0], json({{"name", "uki-252.efi"}, {"pcr4", Pcr4("sha256")}}));
  // Who quotes chooses the bank: values for one that no firmware extends would vouch for anything.
  RunJsonOne(Init("q.json", {"--platform", "tpm2", "--attestation-key", key_}));
  const json unasked = Evidence("q.json")["reference_values"];
  ASSERT_EQ(unasked.size(), 1u);
  EXPECT_EQ(unasked[0]["pcr4"], Pcr4("sha256"));
  RunJsonOne(Init("n.json", {"--platform", "aws-nitrotpm"}));
  EXPECT_EQ(Evidence("n.json")["reference_values"].size(), 1u);
  ExpectFails(Init("o.json", {"--platform", "aws-nitrotpm", "--bank", "sha256"}), kExitBadInput,
              "bank_unfit");
  ExpectFails(
      Init("o.json", {"--platform", "aws-nitrotpm", "--bank", "sha384", "--bank", "sha256"}),
      kExitBadInput, "bank_unfit");
}

TEST_F(TpmPolicyTest, NeedsSomebodyToBelieve) {
  ExpectFails(Init("p.json", {"--platform", "tpm2"}), kExitBadInput, "policy_root_missing");
  ExpectFails(Init("p.json", {"--platform", "tpm2", "--attestation-key", "000b12"}), kExitBadInput,
              "policy_key_malformed");
  ExpectFails(Init("p.json", {"--platform", "tpm2", "--attestation-key", "x"}), kExitBadInput,
              "hex_invalid");
  ExpectFails(Init("p.json", {"--platform", "aws-nitrotpm", "--attestation-key", key_}),
              kExitBadInput, "policy_keys_unexpected");
}

TEST_F(TpmPolicyTest, AReleaseIsSignedInTheBanksNamed) {
  RunJsonOne({"sealfold-attest", "keygen", "--out", Path("key"), "--name", "north"});
  const auto sign_as = [this](const std::string& file, const std::vector<std::string>& more) {
    std::vector<std::string> sign = {"sealfold-attest",
                                     "release",
                                     "sign",
                                     Path(file),
                                     "--kind",
                                     "uki",
                                     "--build",
                                     kUki,
                                     "--subject",
                                     "aggregator",
                                     "--key",
                                     Path("key"),
                                     "--source",
                                     "v0.7.0",
                                     "--builder",
                                     "docs/BUILD.md",
                                     "--release-version",
                                     "7"};
    sign.insert(sign.end(), more.begin(), more.end());
    return sign;
  };
  const auto signed_in = [&](const std::string& file, const std::vector<std::string>& more) {
    RunJsonOne(sign_as(file, more));
    return RunJsonOne(
        {"sealfold-attest", "release", "verify", Path(file)})["fields"]["measurements"];
  };
  const json unasked = signed_in("u", {"--platform", "tpm2"});
  EXPECT_EQ(unasked["tpm2 pcr4"], Pcr4("sha256"));
  EXPECT_FALSE(unasked.contains("tpm2 sha384 pcr4"));
  const json both = signed_in("a", {"--platform", "tpm2", "--bank", "sha256", "--bank", "sha384"});
  EXPECT_EQ(both["tpm2 sha256 pcr4"], Pcr4("sha256"));
  EXPECT_EQ(both["tpm2 sha384 pcr4"], Pcr4("sha384"));
  EXPECT_FALSE(both.contains("tpm2 pcr4"));
  EXPECT_EQ(signed_in("b", {"--platform", "tpm2", "--bank", "sha384"})["tpm2 pcr4"],
            Pcr4("sha384"));
  EXPECT_EQ(signed_in("c", {"--platform", "aws-nitrotpm"})["aws-nitrotpm pcr4"], Pcr4("sha384"));
  ExpectFails(sign_as("d", {"--platform", "aws-nitrotpm", "--bank", "sha256"}), kExitBadInput,
              "bank_unfit");
}

}  // namespace
}  // namespace sealfold
