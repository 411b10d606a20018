#include "tests/cli/run.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

std::vector<std::string> Located(std::vector<std::string> arguments) {
  arguments[0] = absl::StrCat(SEALFOLD_PROGRAMS, "/", arguments[0]);
  return arguments;
}

}  // namespace

ProgramResult Ran(std::vector<std::string> arguments) {
  absl::StatusOr<ProgramResult> result = RunToEnd(Located(std::move(arguments)));
  SEALFOLD_CHECK(result.ok());
  EXPECT_THAT(result->out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(result->err, Not(HasSubstr("\x1b")));
  return *std::move(result);
}

ChildProcess Start(std::vector<std::string> arguments, const std::string& log) {
  absl::StatusOr<ChildProcess> child =
      ChildProcess::Start(Located(std::move(arguments)), {.err_path = log});
  SEALFOLD_CHECK(child.ok());
  return *std::move(child);
}

std::string OnTerminal(const std::string& command,
                       const std::function<void(const std::string&)>& seen) {
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
    if (n <= 0) continue;
    out.append(buffer.data(), static_cast<size_t>(n));
    if (seen) seen(out);
  }
  close(terminal);
  waitpid(child, nullptr, 0);
  return out;
}

std::vector<json> Objects(const std::string& lines) {
  std::vector<json> objects;
  for (absl::string_view line : absl::StrSplit(lines, '\n', absl::SkipEmpty())) {
    objects.push_back(json::parse(line.begin(), line.end(), nullptr, /*allow_exceptions=*/false));
    EXPECT_TRUE(objects.back().is_object()) << line;
  }
  return objects;
}

std::vector<json> RunJson(std::vector<std::string> arguments) {
  SCOPED_TRACE(absl::StrJoin(arguments, " "));
  arguments.emplace_back("--json");
  const ProgramResult result = Ran(std::move(arguments));
  EXPECT_EQ(result.exit_code, kExitDone) << result.err;
  EXPECT_EQ(result.err, "");
  return Objects(result.out);
}

json RunJsonOne(std::vector<std::string> arguments) {
  std::vector<json> objects = RunJson(std::move(arguments));
  EXPECT_EQ(objects.size(), 1u);
  return objects.empty() ? json::object() : objects.front();
}

void ExpectError(const ProgramResult& result, int exit_code, const std::string& code) {
  EXPECT_EQ(result.exit_code, exit_code) << result.err;
  EXPECT_THAT(result.err, MatchesRegex("error: .+ \\[[a-z0-9_]+\\]\n"
                                       "(  expected  [^\n]+\n)?"
                                       "(  found     [^\n]+\n)?"
                                       "(  do        [^\n]+\n)?"));
  EXPECT_THAT(result.err, HasSubstr(absl::StrCat(" [", code, "]\n  ")));
}

json ExpectFails(const std::vector<std::string>& arguments, int exit_code,
                 const std::string& code) {
  SCOPED_TRACE(absl::StrJoin(arguments, " "));
  ExpectError(Ran(arguments), exit_code, code);
  std::vector<std::string> with_json = arguments;
  with_json.emplace_back("--json");
  const ProgramResult result = Ran(with_json);
  EXPECT_EQ(result.exit_code, exit_code);
  Objects(result.out);
  const std::vector<json> errors = Objects(result.err);
  EXPECT_EQ(errors.size(), 1u);
  json error = errors.empty() ? json::object() : errors.front();
  EXPECT_EQ(error.value("error", ""), code) << result.err;
  EXPECT_NE(error.value("what", ""), "") << result.err;
  return error;
}

}  // namespace sealfold
