// The verb that makes a broker's folder.
#ifndef SEALFOLD_ATTEST_KEYBROKER_PROGRAM_INIT_COMMAND_H_
#define SEALFOLD_ATTEST_KEYBROKER_PROGRAM_INIT_COMMAND_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "attest/keybroker/folder/broker_folder.h"
#include "protocol/program/program.h"

namespace sealfold {

struct InitOptions {
  std::string software_root_path = {};  // PEM of a sealfold-softnsm's root; empty: AWS's platforms
  std::vector<std::string> hosts = {"localhost", "127.0.0.1"};  // names of the certificate
};
// InvalidArgument ("store_exists") rather than overwrite.
absl::Status InitCommand(const BrokerFolder& folder, const InitOptions& options,
                         const Output& output);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_PROGRAM_INIT_COMMAND_H_
