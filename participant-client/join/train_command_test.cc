#include "participant-client/join/train_command.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "participant-client/testing/world.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

class TrainCommandTest : public ::testing::Test {
 protected:
  absl::Status Run(const std::string& command) {
    return Train(command, Round(7), folder_.Path("model"), folder_.Path("update"));
  }
  TempDir folder_;
};

TEST_F(TrainCommandTest, GivesRoundModelAndUpdateByTheEnvironment) {
  ASSERT_TRUE(WriteFileAtomic(folder_.Path("model"), "weights").ok());
  const absl::Status status = Run(
      "echo quiet; { echo \"$SEALFOLD_ROUND\"; cat \"$SEALFOLD_MODEL\"; } > \"$SEALFOLD_UPDATE\"");
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(*ReadFile(folder_.Path("update"), 100), "7\nweights");
}

TEST_F(TrainCommandTest, AHalfWrittenUpdateIsNotAnUpdate) {
  EXPECT_EQ(ErrorCode(Run("echo half > \"$SEALFOLD_UPDATE\"; exit 3")), "train_failed");
  EXPECT_FALSE(std::filesystem::exists(folder_.Path("update")));
  // Nor is it taken for what a later run wrote.
  EXPECT_EQ(ErrorCode(Run("true")), "train_wrote_nothing");
}

TEST_F(TrainCommandTest, AnUpdateMustBeWritten) {
  EXPECT_EQ(ErrorCode(Run("true")), "train_wrote_nothing");
}

}  // namespace
}  // namespace sealfold
