// The verbs about keys. What they change is a line of the log.
#ifndef SEALFOLD_ATTEST_KEYBROKER_PROGRAM_KEY_COMMANDS_H_
#define SEALFOLD_ATTEST_KEYBROKER_PROGRAM_KEY_COMMANDS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "attest/keybroker/folder/broker_folder.h"
#include "protocol/program/program.h"

namespace sealfold {

absl::Status CreateKeyCommand(const BrokerFolder& folder, const std::string& name,
                              const std::vector<std::string>& conditions, bool unattested,
                              const Output& output);
// A key whose conditions are those of releases.
struct ReleasedKeyOptions {
  std::string release_path = {};
  std::string platform = {};
  std::vector<std::string> signers = {};  // hex
  uint64_t k = 0;
  std::string log_key = {};  // hex; may be empty
};
absl::Status CreateReleasedKeyCommand(const BrokerFolder& folder, const std::string& name,
                                      const ReleasedKeyOptions& options, const Output& output);
// The line has the release in it, which the store has not, so no broker may be serving.
absl::Status ApplyReleaseCommand(const BrokerFolder& folder, const std::string& name,
                                 const std::string& release_path, const Output& output);
absl::Status ListKeysCommand(const BrokerFolder& folder, const Output& output);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_PROGRAM_KEY_COMMANDS_H_
