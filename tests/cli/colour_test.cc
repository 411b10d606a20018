// Colour on a terminal, and only there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/testing/temp_dir.h"
#include "tests/cli/run.h"

namespace sealfold {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// All that `command`, run by a shell on a terminal of its own, writes to it.
std::string OnTerminal(const std::string& command) {
  int terminal = -1;
  const pid_t child = forkpty(&terminal, nullptr, nullptr, nullptr);
  SEALFOLD_CHECK(child >= 0);
  if (child == 0) {
    const std::string script = absl::StrCat(SEALFOLD_PROGRAMS, "/", command);
    execl("/bin/sh", "sh", "-c", script.c_str(), nullptr);
    _exit(127);
  }
  std::string out;
  std::array<char, 4096> buffer;
  ssize_t n = 0;
  // Reading fails with EIO once the last program on the terminal has ended.
  while ((n = read(terminal, buffer.data(), buffer.size())) > 0 || (n < 0 && errno == EINTR)) {
    if (n > 0) out.append(buffer.data(), static_cast<size_t>(n));
  }
  close(terminal);
  waitpid(child, nullptr, 0);
  return out;
}

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
