// sealfold-keybroker as a test's own process.
#ifndef SEALFOLD_ATTEST_TESTING_PROGRAMS_BROKER_PROCESS_H_
#define SEALFOLD_ATTEST_TESTING_PROGRAMS_BROKER_PROCESS_H_

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "protocol/program/child_process.h"

namespace sealfold {

class BrokerProcess {
 public:
  // `sealed_by`: "--passphrase-file" or "--tpm", and what belongs to it.
  BrokerProcess(std::string program, std::string folder, std::vector<std::string> sealed_by)
      : program_(std::move(program)),
        folder_(std::move(folder)),
        sealed_by_(std::move(sealed_by)) {}

  // The verb's command line with the folder, what seals it, and --json.
  std::vector<std::string> Arguments(std::vector<std::string> verb) const;
  // RunWell of it.
  nlohmann::json Run(const std::vector<std::string>& verb) const;

  // Returns once it listens, on any port where `port` is 0.
  void Serve(int port = 0);
  nlohmann::json Stop();  // as SIGTERM does; its last line
  void Kill();            // as SIGKILL does
  // What it printed when it was ready.
  const nlohmann::json& ready() const { return ready_; }
  int port() const { return ready_["port"]; }
  pid_t pid() const { return serving_->pid(); }

 private:
  std::string program_;
  std::string folder_;
  std::vector<std::string> sealed_by_;
  std::optional<ChildProcess> serving_;
  nlohmann::json ready_;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TESTING_PROGRAMS_BROKER_PROCESS_H_
