#include "protocol/program/command_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "protocol/program/program.h"

namespace sealfold {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class CommandLineTest : public ::testing::Test {
 protected:
  CommandLineTest() {
    CLI::App* fly = app_.add_subcommand("fly", "Flies");
    fly->add_option("--height", height_, "How high")->required()->check(CLI::Range(1, 9));
    fly->add_flag("--json", json_, "One JSON object");
    app_.add_subcommand("crash", "Ends with 4")->callback([] { throw CLI::RuntimeError(4); });
  }

  std::optional<int> Parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "bird");
    std::vector<char*> argv;
    argv.reserve(arguments.size());
    for (std::string& argument : arguments) argv.push_back(argument.data());
    ::testing::internal::CaptureStdout();
    ::testing::internal::CaptureStderr();
    std::optional<int> code = ParseCommandLine(app_, static_cast<int>(argv.size()), argv.data());
    out_ = ::testing::internal::GetCapturedStdout();
    err_ = ::testing::internal::GetCapturedStderr();
    return code;
  }

  CLI::App app_{"Does as birds do", "bird"};
  int height_ = 0;
  bool json_ = false;
  std::string out_;
  std::string err_;
};

TEST_F(CommandLineTest, WhatIsRightGoesOn) {
  EXPECT_EQ(Parse({"fly", "--height", "3"}), std::nullopt);
  EXPECT_EQ(height_, 3);
  EXPECT_EQ(out_ + err_, "");
}

TEST_F(CommandLineTest, HelpAndVersionGoToStdout) {
  EXPECT_EQ(Parse({"--help"}), kExitDone);
  EXPECT_THAT(out_, HasSubstr("bird fly --help"));
  EXPECT_EQ(Parse({"fly", "--help"}), kExitDone);
  EXPECT_THAT(out_, HasSubstr("--height"));
  EXPECT_EQ(Parse({"--version"}), kExitDone);
  EXPECT_THAT(out_, StartsWith("bird "));
  EXPECT_EQ(err_, "");
}

TEST_F(CommandLineTest, WhatIsUnknownIsSaidFirstWithTheNearest) {
  EXPECT_EQ(Parse({"fly", "--heigth", "3"}), kExitUsage);
  EXPECT_EQ(err_,
            "error: arguments of bird fly [argument_unknown]\n"
            "  expected  --help, --version, --height, --json\n"
            "  found     --heigth\n"
            "  do        did you mean --height? `bird fly --help` shows what it takes\n");
  EXPECT_EQ(Parse({"fyl"}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("[verb_unknown]\n  expected  one of fly, crash\n  found     fyl\n"));
  EXPECT_THAT(err_, HasSubstr("did you mean fly?"));
  EXPECT_EQ(Parse({}), kExitUsage);
  EXPECT_THAT(err_, HasSubstr("[verb_unknown]"));
  EXPECT_EQ(out_, "");
}

TEST_F(CommandLineTest, WhatIsMissingOrOutOfBoundsIsSaid) {
  EXPECT_EQ(Parse({"fly"}), kExitUsage);
  EXPECT_EQ(err_,
            "error: bird fly: --height is required [usage_wrong]\n"
            "  do        `bird fly --help` shows what it takes\n");
  EXPECT_EQ(Parse({"fly", "--height", "99", "--json"}), kExitUsage);
  EXPECT_THAT(err_, StartsWith("{"));
  EXPECT_THAT(err_, HasSubstr("not in range"));
  EXPECT_EQ(out_, "");
}

TEST_F(CommandLineTest, ACallbackMayEndTheProgram) { EXPECT_EQ(Parse({"crash"}), 4); }

TEST(RunProgramTest, AnExceptionEndsInALine) {
  const auto code = [](int (*run)(int, char**)) { return RunProgram(run, 0, nullptr); };
  EXPECT_EQ(code([](int /*argc*/, char** /*argv*/) { return 4; }), 4);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(code([](int /*argc*/, char** /*argv*/) -> int { throw std::out_of_range("wings"); }),
            1);
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "internal error: wings\n");
}

}  // namespace
}  // namespace sealfold
