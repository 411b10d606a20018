#include "protocol/crypto/key_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

using testing::HasSubstr;
using testing::Not;

Secret Seed(uint8_t first) {
  Secret seed(32);
  for (size_t i = 0; i < 32; ++i) seed.mutable_span()[i] = static_cast<uint8_t>(first + i);
  return seed;
}

KeyFile Participant() {
  return {.role = KeyRole::kParticipant, .signing_seed = Seed(1), .model_seed = Seed(101)};
}
KeyFile Coordinator() {
  return {.role = KeyRole::kCoordinator, .signing_seed = Seed(7), .model_seed = {}};
}

std::string TextOf(const KeyFile& file) { return std::string(AsText(EncodeKeyFile(file).span())); }

class KeyFileTest : public testing::Test {
 protected:
  std::string Path(absl::string_view name) const { return directory_.Path(name); }

 private:
  TempDir directory_;
};

TEST_F(KeyFileTest, ComesBackAsWritten) {
  for (KeyRole role : {KeyRole::kParticipant, KeyRole::kCoordinator, KeyRole::kBuilder}) {
    KeyFile file = role == KeyRole::kParticipant ? Participant() : Coordinator();
    file.role = role;
    absl::StatusOr<KeyFile> back = ParseKeyFile(AsBytes(TextOf(file)));
    ASSERT_TRUE(back.ok()) << back.status();
    EXPECT_EQ(back->role, role);
    EXPECT_TRUE(EqualConstantTime(back->signing_seed.span(), file.signing_seed.span()));
    EXPECT_TRUE(EqualConstantTime(back->model_seed.span(), file.model_seed.span()));
  }
}

TEST_F(KeyFileTest, FilesAreOwnersOnlyAndNeverOverwritten) {
  const std::string path = Path("north.key");
  ASSERT_TRUE(WriteKeyFiles(path, Participant(), "North \"A\"").ok());
  struct stat info = {};
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  absl::StatusOr<PublicKeyFile> open = ReadPublicKeyFile(path + ".pub");
  ASSERT_TRUE(open.ok()) << open.status();
  EXPECT_EQ(open->name, "North \"A\"");
  EXPECT_EQ(open->key, Participant().signing_key().public_key());
  EXPECT_EQ(open->model_key, Participant().model_key().public_key());
  EXPECT_EQ(ErrorCode(WriteKeyFiles(path, Coordinator(), "x")), "key_file_exists");
  EXPECT_TRUE(ReadKeyFile(path, KeyRole::kParticipant).ok());
  EXPECT_EQ(ErrorCode(ReadKeyFile(path, KeyRole::kCoordinator).status()), "key_role_wrong");
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  const absl::Status exposed = ReadKeyFile(path, KeyRole::kParticipant).status();
  EXPECT_EQ(ErrorCode(exposed), "key_file_exposed");
  EXPECT_THAT(std::string(exposed.message()), testing::HasSubstr("chmod 600"));
  // Nobody is told to hide what is public.
  const absl::Status of_public = ReadKeyFile(path + ".pub", KeyRole::kParticipant).status();
  EXPECT_EQ(ErrorCode(of_public), "key_file_exposed");
  EXPECT_THAT(std::string(of_public.message()), testing::Not(testing::HasSubstr("chmod")));
}

// What could not be read or put into a plan later.
TEST_F(KeyFileTest, ANameThatNoPlanTakesIsRefusedBeforeAnythingIsWritten) {
  const std::string path = Path("n.key");
  for (const std::string& name :
       {std::string(), std::string(257, 'n'), std::string("n\x1b[2J"), std::string("n\xff")}) {
    EXPECT_EQ(ErrorCode(WriteKeyFiles(path, Participant(), name)), "key_name_invalid") << name;
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  ASSERT_TRUE(WriteKeyFiles(path, Participant(), std::string(256, 'n')).ok());
  EXPECT_TRUE(ReadPublicKeyFile(path + ".pub").ok());
}

TEST_F(KeyFileTest, ACoordinatorsPublicPartHasNoModelKey) {
  ASSERT_TRUE(WriteKeyFiles(Path("c.key"), Coordinator(), "coordinator").ok());
  absl::StatusOr<PublicKeyFile> open = ReadPublicKeyFile(Path("c.key.pub"));
  ASSERT_TRUE(open.ok()) << open.status();
  EXPECT_FALSE(open->model_key.has_value());
}

TEST_F(KeyFileTest, EveryTruncationAndEveryFlipIsRefusedOrAnotherValidFile) {
  const std::string text = TextOf(Participant());
  for (size_t size = 0; size + 1 < text.size(); ++size) {
    EXPECT_FALSE(ParseKeyFile(AsBytes(text.substr(0, size))).ok()) << size;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    std::string changed = text;
    changed[i] = static_cast<char>(changed[i] ^ 0x80);
    EXPECT_EQ(ErrorCode(ParseKeyFile(AsBytes(changed)).status()), "key_file_malformed") << i;
  }
}

TEST_F(KeyFileTest, WhatIsNotTheFormatIsRefusedAndNotShown) {
  const std::string text = TextOf(Participant());
  const std::string seed = HexEncode(Seed(1).span());
  const std::string cases[] = {
      absl::StrReplaceAll(text, {{"sealfold-key-1", "sealfold-key-2"}}),
      absl::StrReplaceAll(text, {{"\"participant\"", "\"admin\""}}),
      absl::StrReplaceAll(text, {{"\"participant\"", "\"coordinator\""}}),
      absl::StrReplaceAll(text, {{"model_seed", "signing_seed"}}),
      absl::StrReplaceAll(text, {{"model_seed", "other_seed"}}),
      absl::StrReplaceAll(text, {{seed, seed + "00"}}),
      absl::StrReplaceAll(text, {{seed, "zz" + seed.substr(2)}}),
      text + "x",
      "{}",
      "",
  };
  for (const std::string& bad : cases) {
    absl::Status status = ParseKeyFile(AsBytes(bad)).status();
    EXPECT_EQ(ErrorCode(status), "key_file_malformed") << bad;
    EXPECT_THAT(status.ToString(), Not(HasSubstr(seed.substr(2))));
  }
}

TEST_F(KeyFileTest, PublicFilesAreStrict) {
  const std::string text = EncodePublicKeyFile(PublicPart(Participant(), "north"));
  EXPECT_TRUE(ParsePublicKeyFile(text, "f").ok());
  auto code = [&text](absl::string_view from, absl::string_view to) {
    return ErrorCode(ParsePublicKeyFile(absl::StrReplaceAll(text, {{from, to}}), "f").status());
  };
  EXPECT_EQ(code("model_key", "modelkey"), "field_unknown");
  EXPECT_EQ(code("sealfold-public-1", "sealfold-key-1"), "field_invalid");
  EXPECT_EQ(code("north", ""), "field_invalid");
  const std::string key = Participant().signing_key().public_key().hex();
  EXPECT_EQ(code(key, key + "00"), "field_invalid");
  EXPECT_EQ(code(key, "zz" + key.substr(2)), "hex_invalid");
}

}  // namespace
}  // namespace sealfold
