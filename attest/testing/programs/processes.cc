#include "attest/testing/programs/processes.h"

#include <gtest/gtest.h>

#include <optional>

#include "protocol/base/error.h"
#include "protocol/program/program.h"

namespace sealfold {

using nlohmann::json;

ChildProcess StartProcess(const std::vector<std::string>& arguments) {
  absl::StatusOr<ChildProcess> child =
      ChildProcess::Start(arguments, {.err = ChildProcess::Stream::kNull});
  SEALFOLD_CHECK(child.ok());
  return *std::move(child);
}

std::string ReadTestLine(ChildProcess& child) {
  constexpr int kWait_ms = 120'000;
  const std::optional<std::string> line = child.ReadLine(kWait_ms);
  EXPECT_TRUE(line.has_value());
  return line.value_or("");
}

json ReadJsonLine(ChildProcess& child) {
  return json::parse(ReadTestLine(child), nullptr, /*allow_exceptions=*/false);
}

std::string RunWell(const std::vector<std::string>& arguments) {
  const absl::StatusOr<ProgramResult> result = RunToEnd(arguments);
  SEALFOLD_CHECK(result.ok());
  EXPECT_EQ(result->exit_code, kExitDone) << result->err;
  return result->out;
}

ChildProcess StartSoftnsm(const std::string& program, const TempDir& folder) {
  ChildProcess softnsm = StartProcess(
      {program, "serve", "--state", folder.Path("nsm"), "--socket", folder.Path("nsm.sock")});
  EXPECT_EQ(ReadTestLine(softnsm), "ready");
  return softnsm;
}

}  // namespace sealfold
