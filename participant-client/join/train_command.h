// The participant's own training program, run as a shell command.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_JOIN_TRAIN_COMMAND_H_
#define SEALFOLD_PARTICIPANT_CLIENT_JOIN_TRAIN_COMMAND_H_

#include <string>

#include "absl/status/status.h"
#include "protocol/base/types.h"

namespace sealfold {

// Runs `command` by /bin/sh with these in its environment:
//   SEALFOLD_ROUND   the round's number
//   SEALFOLD_MODEL   the verified model to start from (safetensors), to be read only
//   SEALFOLD_UPDATE  where to write the update: trained minus given, its num_examples as metadata
// and moves what it wrote to `update_path` once it has ended well, so that a half-written update is
// never taken for a whole one. Its stdout goes to this program's stderr. InvalidArgument:
// "train_failed", "train_wrote_nothing".
absl::Status Train(const std::string& command, Round round, const std::string& model_path,
                   const std::string& update_path);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_JOIN_TRAIN_COMMAND_H_
