// `sealfold-coordinator watch`: the run as it goes.
#ifndef SEALFOLD_AGGREGATOR_HOST_COMMAND_WATCH_H_
#define SEALFOLD_AGGREGATOR_HOST_COMMAND_WATCH_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "aggregator/host/control/control_message.h"
#include "protocol/program/program.h"

namespace sealfold {

struct WatchOptions {
  std::string folder;    // of the run, on this machine; or
  std::string endpoint;  // what participants connect to: then no participant's progress is known
};

// Shows the run until it ends: a table that is redrawn on a terminal, else a line for each change;
// JSON Lines of ViewJson in JSON mode. OK once all rounds are published; Unavailable ("run_failed")
// when the run failed, or
// ("host_absent") when nobody answers for half a minute.
absl::Status Watch(const WatchOptions& options, const Output& output);

// The view for people: a first line with round and state, then a bar for each participant (the
// first 20).
std::vector<std::string> ViewTable(const RunView& view);
// One line of it.
std::string ViewLine(const RunView& view);
std::string ViewJson(const RunView& view);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_HOST_COMMAND_WATCH_H_
