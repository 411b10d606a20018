#include "protocol/program/program.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

class ProgramTest : public ::testing::Test {
 protected:
  TempDir directory_;
};

TEST_F(ProgramTest, ExitCodesFollowTheKindOfError) {
  EXPECT_EQ(ExitCode(absl::OkStatus()), 0);
  EXPECT_EQ(ExitCode(Refused({.code = "x", .what = "y"})), 3);
  EXPECT_EQ(ExitCode(PeerError({.code = "x", .what = "y"})), 4);
  EXPECT_EQ(ExitCode(absl::DeadlineExceededError("late")), 4);
  EXPECT_EQ(ExitCode(BadInput({.code = "x", .what = "y"})), 5);
}

TEST_F(ProgramTest, ErrorsSayWhatFailedExpectedFoundAndWhatToDo) {
  const absl::Status status = Refused({.code = "quorum_low",
                                       .what = "quorum",
                                       .expected = "3",
                                       .found = "2",
                                       .advice = "ask for more"});
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(Output(false).Finish(status), 3);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(),
            "error: quorum [quorum_low]\n  expected  3\n  found     2\n  do        ask for more\n");
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(Output(true).Finish(status), 3);
  EXPECT_EQ(
      ::testing::internal::GetCapturedStderr(),
      "{\"do\":\"ask for "
      "more\",\"error\":\"quorum_low\",\"expected\":\"3\",\"found\":\"2\",\"what\":\"quorum\"}\n");
}

TEST_F(ProgramTest, AnExplanationSurvivesTheWayThroughAStatus) {
  const Explanation e = Explain(BadInput({.code = "c", .what = "w\x1fw", .found = "f"}));
  EXPECT_EQ(e.code, "c");
  EXPECT_EQ(e.what, "w?w");
  EXPECT_EQ(e.expected, "");
  EXPECT_EQ(e.found, "f");
  EXPECT_EQ(Explain(absl::NotFoundError("elsewhere")).what, "elsewhere");
  const absl::Status about = About("file", Refused({.code = "c", .what = "w", .found = "f"}));
  EXPECT_EQ(about, Refused({.code = "c", .what = "file: w", .found = "f"}));
  EXPECT_TRUE(About("file", absl::OkStatus()).ok());
}

TEST_F(ProgramTest, FilesAreWrittenWholeAndReadWithinABound) {
  const std::string path = directory_.Path("file");
  ASSERT_TRUE(WriteFileAtomic(path, "first").ok());
  ASSERT_TRUE(WriteFileAtomic(path, "second", /*secret=*/true).ok());
  struct stat info;
  ASSERT_EQ(stat(path.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(*ReadFile(path, 100), "second");
  EXPECT_EQ(ErrorCode(ReadFile(path, 5).status()), "file_too_large");
  EXPECT_EQ(ErrorCode(ReadFile(directory_.Path("none"), 5).status()), "file_unusable");
  EXPECT_EQ(ErrorCode(WriteFileAtomic(directory_.Path("no/where"), "x")), "file_unusable");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(directory_.path()), {}), 1)
      << "no temporary stays";
}

// In a folder that others may write to, such as /tmp, its name can be guessed.
TEST_F(ProgramTest, ASecretIsNotWrittenIntoAFileThatIsAlreadyThere) {
  const std::string path = directory_.Path("file");
  const std::string temporary = absl::StrCat(path, ".", getpid(), ".tmp");
  const std::string others = directory_.Path("others");
  ASSERT_TRUE(WriteFileAtomic(others, "theirs").ok());
  for (const bool as_link : {false, true}) {
    if (as_link) {
      std::filesystem::create_symlink(others, temporary);
    } else {
      std::filesystem::create_hard_link(others, temporary);
    }
    ASSERT_TRUE(WriteFileAtomic(path, "secret", /*secret=*/true).ok());
    EXPECT_EQ(*ReadFile(others, 100), "theirs");
    EXPECT_EQ(*ReadFile(path, 100), "secret");
    struct stat info;
    ASSERT_EQ(lstat(path.c_str(), &info), 0);
    EXPECT_TRUE(S_ISREG(info.st_mode));
    EXPECT_EQ(info.st_mode & 0777, 0600u);
  }
}

}  // namespace
}  // namespace sealfold
