#include "protocol/program/optional_file.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "protocol/base/error.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

class OptionalFileTest : public ::testing::Test {
 protected:
  static std::string Code(const std::string& path) {
    return ErrorCode(ReadFileIfThere(path, 5).status());
  }
  const TempDir folder_;
  const std::string path_ = folder_.Path("file");
};

TEST_F(OptionalFileTest, IsReadWithinABoundOnceItIsThere) {
  for (const std::string& none : {path_, folder_.Path("no/where")}) {
    const absl::StatusOr<std::optional<std::string>> read = ReadFileIfThere(none, 5);
    ASSERT_TRUE(read.ok()) << read.status();
    EXPECT_EQ(*read, std::nullopt);
  }
  ASSERT_TRUE(WriteFileAtomic(path_, "first").ok());
  EXPECT_EQ(ReadFileIfThere(path_, 5).value(), "first");
  ASSERT_TRUE(WriteFileAtomic(path_, "second").ok());
  EXPECT_EQ(Code(path_), "file_too_large");
  ASSERT_TRUE(WriteFileAtomic(path_, "").ok());
  EXPECT_EQ(ReadFileIfThere(path_, 5).value(), "");
}

TEST_F(OptionalFileTest, OneThatCannotBeLookedAtIsNotNone) {
  EXPECT_EQ(Code(folder_.path()), "file_unusable");
  std::filesystem::create_symlink(path_, path_);
  EXPECT_EQ(Code(path_), "file_unusable");  // leads to itself
  std::filesystem::remove(path_);
  ASSERT_TRUE(WriteFileAtomic(path_, "x").ok());
  EXPECT_EQ(Code(path_ + "/below"), "file_unusable");
}

}  // namespace
}  // namespace sealfold
