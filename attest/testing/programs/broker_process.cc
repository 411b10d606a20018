#include "attest/testing/programs/broker_process.h"

#include <gtest/gtest.h>

#include <csignal>

#include "absl/strings/str_cat.h"
#include "attest/testing/programs/processes.h"
#include "protocol/program/program.h"

namespace sealfold {

using nlohmann::json;

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

void BrokerProcess::Serve(int port) {
  serving_.emplace(
      StartProcess(Arguments({"serve", "--listen", absl::StrCat("127.0.0.1:", port)})));
  ready_ = ReadJsonLine(*serving_);
}

json BrokerProcess::Stop() {
  serving_->Signal(SIGTERM);
  json last = ReadJsonLine(*serving_);
  EXPECT_EQ(serving_->Wait(), kExitDone);
  return last;
}

void BrokerProcess::Kill() {
  serving_->Signal(SIGKILL);
  serving_->Wait();
}

}  // namespace sealfold
