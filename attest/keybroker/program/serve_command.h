// The verbs that serve, and that verify the log which comes of it.
#ifndef SEALFOLD_ATTEST_KEYBROKER_PROGRAM_SERVE_COMMAND_H_
#define SEALFOLD_ATTEST_KEYBROKER_PROGRAM_SERVE_COMMAND_H_

#include <string>

#include "absl/status/status.h"
#include "attest/keybroker/folder/broker_folder.h"
#include "protocol/program/program.h"

namespace sealfold {

struct ServeOptions {
  std::string listen = {};            // HOST:PORT
  std::string certificate_path = {};  // both empty: the folder's own
  std::string key_path = {};
};
absl::Status ServeCommand(const BrokerFolder& folder, const ServeOptions& options,
                          const Output& output);

absl::Status VerifyLogCommand(const std::string& folder_path, const std::string& head,
                              const Output& output);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_PROGRAM_SERVE_COMMAND_H_
