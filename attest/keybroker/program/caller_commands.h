// The verbs about who may ask. A new caller is a line of the log.
#ifndef SEALFOLD_ATTEST_KEYBROKER_PROGRAM_CALLER_COMMANDS_H_
#define SEALFOLD_ATTEST_KEYBROKER_PROGRAM_CALLER_COMMANDS_H_

#include <string>

#include "absl/status/status.h"
#include "attest/keybroker/folder/broker_folder.h"
#include "protocol/program/program.h"

namespace sealfold {

// Writes the access key to `out_path`, for its owner alone. InvalidArgument "access_key_exists"
// where there is such a file.
absl::Status CreateCallerCommand(const BrokerFolder& folder, const std::string& name,
                                 const std::string& out_path, const Output& output);
absl::Status ListCallersCommand(const BrokerFolder& folder, const Output& output);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_PROGRAM_CALLER_COMMANDS_H_
