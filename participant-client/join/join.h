// Taking part in every round of a run until it ends.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_JOIN_JOIN_H_
#define SEALFOLD_PARTICIPANT_CLIENT_JOIN_JOIN_H_

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "participant-client/client/client.h"

namespace sealfold {

// Makes an update of a round at `update_path` from the model at `model_path`.
using Trainer = std::function<absl::Status(Round round, const std::string& model_path,
                                           const std::string& update_path)>;

// What is told as it happens; each may be empty.
struct JoinWatcher {
  std::function<void(const CheckList& checks)> checks = {};  // of every offer judged
  std::function<void(Round round, uint64_t chunks, uint64_t of)> sending = {};
  std::function<void(const Submission& submission)> submitted = {};
  std::function<void(const RoundReport& report)> round = {};  // every record verified
  std::function<void(const std::string& text)> note = {};     // what a person may want to know
};

// Fetches and verifies what is there, trains, submits, waits for the record and checks the own
// receipt in it, round after round. Coordinator and aggregator may come and go: an attempt that
// broke off is sent again as the policy allows, with the update trained once. Returns OK when the
// last round's record is verified and its model fetched; else what ended it: PermissionDenied for
// evidence or records that do not hold. `client` is on an open run; an update trained for a round
// lies in its folder until the round's record came.
absl::Status Join(Client& client, const Trainer& train, const JoinWatcher& watcher);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_JOIN_JOIN_H_
