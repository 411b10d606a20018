// Every program and every verb, as the build knows them: help, version, and what is not known.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "protocol/program/program.h"
#include "tests/cli/run.h"

namespace sealfold {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr char kPlainProgram[] = "submit-one";  // an example without options

// What `--help` lists below "Subcommands:".
std::vector<std::string> VerbsOf(const std::string& help) {
  std::vector<std::string> verbs;
  bool inside = false;
  for (absl::string_view line : absl::StrSplit(help, '\n')) {
    if (line == "Subcommands:") {
      inside = true;
    } else if (!absl::StartsWith(line, "  ")) {
      inside = false;
    } else if (inside && !absl::StartsWith(line, "   ")) {
      verbs.emplace_back(std::vector<std::string>(absl::StrSplit(line, ' ', absl::SkipEmpty()))[0]);
    }
  }
  return verbs;
}

// Each program, and each program with each of its verbs.
std::vector<std::vector<std::string>> Commands() {
  std::vector<std::vector<std::string>> commands;
  for (const std::string& program :
       std::vector<std::string>(absl::StrSplit(SEALFOLD_PROGRAM_NAMES, ','))) {
    commands.push_back({program});
    for (const std::string& verb : VerbsOf(Ran({program, "--help"}).out))
      commands.push_back({program, verb});
  }
  return commands;
}

TEST(HelpTest, TheProgramsHaveTheirVerbs) {
  std::vector<std::string> commands;
  for (const std::vector<std::string>& command : Commands())
    commands.push_back(absl::StrJoin(command, " "));
  for (const char* command : {"sealfold-aggregator serve",    "sealfold-attest measure",
                              "sealfold-attest verify",       "sealfold-attest explain",
                              "sealfold-attest make",         "sealfold-attest enrol",
                              "sealfold-attest policy",       "sealfold-participant keygen",
                              "sealfold-participant inspect", "sealfold-participant submit",
                              "sealfold-participant fetch",   "sealfold-participant join",
                              "sealfold-participant verify",  "sealfold-coordinator keygen",
                              "sealfold-coordinator plan",    "sealfold-coordinator serve",
                              "sealfold-coordinator launch",  "sealfold-coordinator watch",
                              "sealfold-coordinator close",   "sealfold-softnsm serve",
                              "sealfold-keybroker init",      "sealfold-keybroker key",
                              "sealfold-keybroker caller",    "sealfold-keybroker trust",
                              "sealfold-keybroker serve",     "sealfold-keybroker encrypt",
                              "sealfold-keybroker log",       "hospitals-train train",
                              "hospitals-study compare",      "hospitals-demo",
                              "two-hospitals-analysis",       "submit-one"}) {
    EXPECT_THAT(commands, Contains(command));
  }
}

TEST(HelpTest, HelpShowsUsageAndAnExampleOfOptionsThatThereAre) {
  for (std::vector<std::string> command : Commands()) {
    const std::string words = absl::StrJoin(command, " ");
    SCOPED_TRACE(words);
    command.emplace_back("--help");
    const ProgramResult result = Ran(command);
    EXPECT_EQ(result.exit_code, kExitDone);
    EXPECT_EQ(result.err, "");
    EXPECT_THAT(result.out, HasSubstr(absl::StrCat("Usage: ", words)));
    // A program with verbs shows how to get at theirs.
    const bool verbs = absl::StrContains(result.out, "Subcommands:");
    const size_t example = result.out.find(verbs ? "with an example:" : "Example");
    ASSERT_NE(example, std::string::npos) << result.out;
    const std::string above = result.out.substr(0, example);
    const std::string below = result.out.substr(example);
    EXPECT_THAT(below, HasSubstr(absl::StrCat(" ", words, " ")));
    for (absl::string_view word : absl::StrSplit(below, absl::ByAnyChar(" \n"))) {
      if (!absl::StartsWith(word, "--")) continue;
      EXPECT_THAT(above, HasSubstr(absl::StrCat(word)));
    }
  }
}

TEST(HelpTest, WhatIsUnknownIsAUsageError) {
  for (std::vector<std::string> command : Commands()) {
    SCOPED_TRACE(absl::StrJoin(command, " "));
    const bool plain = command[0] == kPlainProgram;
    command.emplace_back("--no-such-option");
    const ProgramResult result = Ran(command);
    EXPECT_EQ(result.exit_code, kExitUsage);
    EXPECT_EQ(result.out, "");
    if (plain) {
      EXPECT_THAT(result.err, StartsWith("Usage: "));
      continue;
    }
    ExpectError(result, kExitUsage, "argument_unknown");
    EXPECT_THAT(result.err, HasSubstr("  found     --no-such-option\n"));
  }
  for (const char* program :
       {"sealfold-aggregator", "sealfold-attest", "sealfold-participant", "sealfold-coordinator",
        "sealfold-keybroker", "sealfold-softnsm", "hospitals-train", "hospitals-study"}) {
    SCOPED_TRACE(program);
    ExpectError(Ran({program}), kExitUsage, "verb_unknown");
    const ProgramResult result = Ran({program, "no-such-verb"});
    ExpectError(result, kExitUsage, "verb_unknown");
    EXPECT_EQ(result.out, "");
  }
}

TEST(HelpTest, MissingAndWrongArgumentsAreUsageErrors) {
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"sealfold-participant", "keygen"},
           {"sealfold-participant", "fetch", "cake", "--connect", "tcp://127.0.0.1:1"},
           {"sealfold-participant", "submit", "--weight", "0"},
           {"sealfold-coordinator", "plan"},
           {"sealfold-coordinator", "watch"},
           {"sealfold-coordinator", "watch", "--state", "a", "--connect", "b"},
           {"sealfold-aggregator", "serve"},
           {"sealfold-attest", "measure", "cake", "a"},
           {"sealfold-attest", "verify", "a"},
           {"sealfold-attest", "policy", "init", "--platform", "p", "--out", "o"},
           {"sealfold-softnsm", "serve", "--state", "a"},
           {"sealfold-keybroker", "init", "--state", "a"},
           {"sealfold-keybroker", "key", "delete", "--state", "a", "--passphrase-file", "b"},
           {"sealfold-keybroker", "key", "create", "--state", "a", "--passphrase-file", "b"},
           {"sealfold-keybroker", "caller", "create", "n", "--state", "a", "--passphrase-file",
            "b"},
           {"sealfold-keybroker", "key", "create", "n", "--state", "a", "--passphrase-file", "b",
            "--release", "c", "--condition", "d=e"},
           {"sealfold-keybroker", "key", "create", "n", "--state", "a", "--passphrase-file", "b",
            "--release", "c", "--unattested"},
           {"sealfold-keybroker", "serve", "--state", "a", "--passphrase-file", "b", "--listen",
            "c", "--key", "d"},
           {"sealfold-keybroker", "log", "--state", "a"},
           {"hospitals-split", "--data"}}) {
    SCOPED_TRACE(absl::StrJoin(command, " "));
    const ProgramResult result = Ran(command);
    EXPECT_EQ(result.out, "");
    ExpectError(result, kExitUsage, "usage_wrong");
  }
}

TEST(HelpTest, EachSaysItsVersion) {
  for (const std::vector<std::string>& command : Commands()) {
    if (command.size() != 1 || command[0] == kPlainProgram) continue;
    const ProgramResult result = Ran({command[0], "--version"});
    EXPECT_EQ(result.exit_code, kExitDone);
    EXPECT_EQ(result.out, absl::StrCat(command[0], " ", SEALFOLD_VERSION, "\n"));
  }
}

}  // namespace
}  // namespace sealfold
