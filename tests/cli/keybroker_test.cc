// sealfold-keybroker's verbs: a folder, keys, callers, the log, and what is wrong with them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"
#include "tests/cli/run.h"

namespace sealfold {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class KeybrokerTest : public ::testing::Test {
 protected:
  KeybrokerTest() {
    Write("passphrase", "correct horse battery staple\n");
    made_ = RunJsonOne(With({"init"}));
  }
  std::string Path(absl::string_view below) const { return folder_.Path(below); }
  void Write(absl::string_view name, absl::string_view text) const {
    ASSERT_TRUE(WriteFileAtomic(Path(name), text, /*secret=*/true).ok());
  }
  std::vector<std::string> With(std::vector<std::string> verb,
                                const std::string& passphrase = "passphrase") const {
    verb.insert(verb.begin(), "sealfold-keybroker");
    for (const std::string& each : {std::string("--state"), Path("broker"),
                                    std::string("--passphrase-file"), Path(passphrase)}) {
      verb.push_back(each);
    }
    return verb;
  }
  std::vector<std::string> Log(const std::string& head = "") const {
    std::vector<std::string> verb = {"sealfold-keybroker", "log", "verify", "--state",
                                     Path("broker")};
    if (!head.empty()) verb.insert(verb.end(), {"--head", head});
    return verb;
  }
  static std::string Pcr0(char digit = 'a') {
    return absl::StrCat("kms:RecipientAttestation:PCR0=", std::string(96, digit));
  }

  TempDir folder_;
  json made_;
};

TEST_F(KeybrokerTest, KeysAndCallersAreListedAsTheyWereMade) {
  EXPECT_THAT(made_["platforms"], ::testing::Contains("aws-nitro"));
  EXPECT_TRUE(std::filesystem::exists(Path("broker/tls.pem")));
  const json first = RunJsonOne(
      With({"key", "create", "first", "--condition", Pcr0('B'), "--condition", Pcr0('c')}));
  EXPECT_EQ(first["alias"], "alias/first");
  RunJsonOne(With({"key", "create", "second", "--unattested"}));
  const std::vector<json> keys = RunJson(With({"key", "list"}));
  ASSERT_EQ(keys.size(), 2U);
  EXPECT_EQ(keys[0]["key_id"], first["key_id"]);
  EXPECT_EQ(keys[0]["unattested"], false);
  EXPECT_EQ(keys[0]["conditions"]["kms:RecipientAttestation:PCR0"],
            json({std::string(96, 'b'), std::string(96, 'c')}));
  EXPECT_EQ(keys[1]["unattested"], true);
  EXPECT_THAT(Ran(With({"key", "list"})).out, HasSubstr("alias/second released without evidence"));

  const json caller = RunJsonOne(With({"caller", "create", "north", "--out", Path("access.json")}));
  const std::string access = ReadFile(Path("access.json"), 4096).value();
  EXPECT_THAT(access, HasSubstr(caller["access_key_id"].get<std::string>()));
  EXPECT_EQ(std::filesystem::status(Path("access.json")).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_EQ(RunJsonOne(With({"caller", "list"}))["name"], "north");
}

TEST_F(KeybrokerTest, KeysMadeAtOnceAreAllKept) {
  std::vector<ChildProcess> running;
  for (const char* name : {"a", "b", "c", "d"}) {
    running.push_back(Start(With({"key", "create", name, "--unattested"}), Path("errors")));
  }
  for (ChildProcess& each : running) EXPECT_EQ(each.Wait(), kExitDone);
  EXPECT_EQ(RunJson(With({"key", "list"})).size(), 4U);
}

TEST_F(KeybrokerTest, WhatIsWrongIsTold) {
  ExpectFails(With({"init"}), kExitBadInput, "store_exists");
  EXPECT_THAT(Ran({"sealfold-keybroker", "init", "--state", Path("passphrase/below"),
                   "--passphrase-file", Path("passphrase")})
                  .err,
              HasSubstr("error: making"));
  ExpectFails(With({"key", "create", "k"}), kExitBadInput, "key_unguarded");
  ExpectFails(With({"key", "create", "k", "--condition", "kms:ViaService=x"}), kExitBadInput,
              "condition_unknown");
  ExpectFails(With({"key", "create", "k", "--condition", Pcr0('0')}), kExitBadInput,
              "policy_register_zero");
  ExpectFails(With({"key", "create", "a b", "--unattested"}), kExitBadInput, "name_malformed");
  ExpectFails(With({"serve", "--listen", "nowhere"}), kExitBadInput, "endpoint_invalid");
  ExpectFails(With({"serve", "--listen", "127.0.0.1:0", "--certificate", Path("none"), "--key",
                    Path("none")}),
              kExitBadInput, "certificate_unusable");
  ExpectFails(With({"trust", "revocation"}), kExitUsage, "usage_wrong");
  EXPECT_THAT(Ran(With({"key", "release"})).err, HasSubstr("arguments of release"));
  Write("no release", "text");
  EXPECT_THAT(Ran(With({"key", "release", "k", "--release", Path("no release")})).err,
              HasSubstr(Path("no release")));
}

TEST_F(KeybrokerTest, ACertificateIsForNamesAndAddresses) {
  const auto init = [this](const std::string& host) {
    return std::vector<std::string>{
        "sealfold-keybroker", "init", "--host", host, "--state", Path("other"), "--passphrase-file",
        Path("passphrase")};
  };
  for (const char* host : {"", "a,b", "a b", "keys.example.org:8443", "https://keys.example.org",
                           "k\xc3\xbc.example", "*.", "IP:127.0.0.1,email:copy"}) {
    ExpectFails(init(host), kExitBadInput, "host_malformed");
  }
  for (const char* host : {"keys.example.org", "*.example.org", "::1", "10.0.0.7"}) {
    std::filesystem::remove_all(Path("other"));
    RunJsonOne(init(host));
  }
}

// A secret is written once and nowhere else.
TEST_F(KeybrokerTest, AnAccessKeyTakesNoFilesPlace) {
  RunJsonOne(With({"caller", "create", "north", "--out", Path("access.json")}));
  const std::string access = ReadFile(Path("access.json"), 4096).value();
  ExpectFails(With({"caller", "create", "south", "--out", Path("access.json")}), kExitBadInput,
              "access_key_exists");
  EXPECT_EQ(*ReadFile(Path("access.json"), 4096), access);
  EXPECT_EQ(RunJson(With({"caller", "list"})).size(), 1U);
}

TEST_F(KeybrokerTest, EncryptTellsWhatItCannotDo) {
  RunJsonOne(With({"caller", "create", "north", "--out", Path("access.json")}));
  Write("data", "patients");
  Write("empty", "");
  Ran({"sealfold-participant", "keygen", "--out", Path("key"), "--name", "north"});
  const auto encrypt = [this](const std::string& data, const std::string& service,
                              const std::string& key) {
    return std::vector<std::string>{"sealfold-keybroker",
                                    "encrypt",
                                    Path(data),
                                    "--out",
                                    Path("sealed"),
                                    "--terms",
                                    Path("data"),
                                    "--owner-key",
                                    Path(key),
                                    "--key",
                                    "alias/records",
                                    "--service",
                                    service,
                                    "--ca",
                                    Path("broker/tls.pem"),
                                    "--access-key",
                                    Path("access.json")};
  };
  ExpectFails(encrypt("none", "127.0.0.1:1", "key"), kExitBadInput, "file_unusable");
  ExpectFails(encrypt("empty", "127.0.0.1:1", "key"), kExitBadInput, "data_empty");
  ExpectFails(encrypt("data", "nowhere", "key"), kExitBadInput, "endpoint_invalid");
  ExpectFails(encrypt("data", "127.0.0.1:1", "data"), kExitBadInput, "key_file_malformed");
  ExpectFails(encrypt("data", "127.0.0.1:1", "key"), kExitNetwork, "key_service_unreachable");
  EXPECT_FALSE(std::filesystem::exists(Path("sealed")));
  // What it would write over may be the only copy.
  for (const char* input : {"data", "key", "access.json", "broker/tls.pem"}) {
    std::vector<std::string> over = encrypt("data", "127.0.0.1:1", "key");
    over[4] = Path(input);
    ExpectFails(over, kExitBadInput, "output_is_input");
  }
}

TEST_F(KeybrokerTest, ThePassphraseIsItsOwnersAlone) {
  Write("other", "another passphrase");
  ExpectFails(With({"key", "list"}, "other"), kExitRefused, "passphrase_wrong");
  Write("short", "12345");
  ExpectFails(With({"key", "list"}, "short"), kExitBadInput, "passphrase_short");
  ExpectFails(With({"key", "list"}, "none"), kExitBadInput, "file_unusable");
  std::filesystem::permissions(Path("passphrase"), std::filesystem::perms::group_read,
                               std::filesystem::perm_options::add);
  ExpectFails(With({"key", "list"}), kExitBadInput, "passphrase_exposed");
  ExpectFails(With({"key", "list"}, "broker"), kExitBadInput, "file_unusable");
}

TEST_F(KeybrokerTest, TheLogIsVerified) {
  const nlohmann::json log = RunJsonOne(Log());
  EXPECT_GT(log["decisions"], 0);  // whose evidence is taken
  EXPECT_EQ(RunJsonOne(Log(log["head"].get<std::string>())), log);
  EXPECT_EQ(RunJsonOne(Log(std::string(64, '0'))), log);  // before the first line
  ExpectFails(Log(std::string(64, 'a')), kExitBadInput, "log_head_missing");
  ExpectFails(Log("zz"), kExitBadInput, "hex_invalid");
  Write("broker/decisions.log", "{\"index\":1}\n");
  ExpectFails(Log(), kExitBadInput, "log_broken");
  ExpectFails({"sealfold-keybroker", "log", "verify", "--state", Path("none")}, kExitBadInput,
              "file_unusable");
}

}  // namespace
}  // namespace sealfold
