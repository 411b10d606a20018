// Colour on a terminal, and only there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "protocol/testing/temp_dir.h"
#include "tests/cli/run.h"

namespace sealfold {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ColourTest : public ::testing::Test {
 protected:
  ColourTest() {
    unsetenv("NO_COLOR");
    key_ = folder_.Path("north.key");
    EXPECT_EQ(Ran({"sealfold-participant", "keygen", "--out", key_, "--name", "north"}).exit_code,
              0);
  }
  TempDir folder_;
  std::string key_;
};

TEST_F(ColourTest, TextAndErrorsHaveColourOnATerminal) {
  EXPECT_THAT(OnTerminal("sealfold-participant inspect " + key_), HasSubstr("\x1b[1m"));
  EXPECT_THAT(OnTerminal("sealfold-participant inspect none"), HasSubstr("\x1b[1;31merror:"));
}

TEST_F(ColourTest, NotWhereItIsNotWanted) {
  setenv("NO_COLOR", "1", 1);
  EXPECT_THAT(OnTerminal("sealfold-participant inspect " + key_), Not(HasSubstr("\x1b")));
  EXPECT_THAT(OnTerminal("sealfold-participant inspect none"), Not(HasSubstr("\x1b")));
}

TEST_F(ColourTest, NotInJson) {
  EXPECT_THAT(OnTerminal("sealfold-participant inspect --json " + key_), Not(HasSubstr("\x1b")));
  EXPECT_THAT(OnTerminal("sealfold-participant inspect --json none"), Not(HasSubstr("\x1b")));
}

// stdout and stderr are judged each by itself.
TEST_F(ColourTest, NotInAPipeThoughTheOtherIsATerminal) {
  EXPECT_THAT(OnTerminal("sealfold-participant inspect " + key_ + " | cat"),
              Not(HasSubstr("\x1b")));
  EXPECT_THAT(OnTerminal("sealfold-participant inspect none 2>&1 | cat"), Not(HasSubstr("\x1b")));
}

}  // namespace
}  // namespace sealfold
