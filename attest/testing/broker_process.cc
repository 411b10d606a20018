#include "attest/testing/broker_process.h"

#include <gtest/gtest.h>

#include <csignal>

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

json ReadJsonLine(ChildProcess& child) {
  constexpr int kWait_ms = 120'000;
  const std::optional<std::string> line = child.ReadLine(kWait_ms);
  EXPECT_TRUE(line.has_value());
  return json::parse(line.value_or("null"));
}

std::string RunWell(const std::vector<std::string>& arguments) {
  const absl::StatusOr<ProgramResult> result = RunToEnd(arguments);
  SEALFOLD_CHECK(result.ok());
  EXPECT_EQ(result->exit_code, kExitDone) << result->err;
  return result->out;
}

std::vector<std::string> BrokerProcess::Arguments(std::vector<std::string> verb) const {
  verb.insert(verb.begin(), program_);
  verb.insert(verb.end(), {"--state", folder_});
  verb.insert(verb.end(), sealed_by_.begin(), sealed_by_.end());
  verb.emplace_back("--json");
  return verb;
}

json BrokerProcess::Run(const std::vector<std::string>& verb) const {
  return json::parse(RunWell(Arguments(verb)), nullptr, false);
}

void BrokerProcess::Serve() {
  serving_.emplace(StartProcess(Arguments({"serve", "--listen", "127.0.0.1:0"})));
  ready_ = ReadJsonLine(*serving_);
}

json BrokerProcess::Stop() {
  serving_->Signal(SIGTERM);
  json last = ReadJsonLine(*serving_);
  EXPECT_EQ(serving_->Wait(), kExitDone);
  return last;
}

}  // namespace sealfold
