// `sealfold-coordinator serve`: the sockets, the clock and the signals around a Host.
#ifndef SEALFOLD_AGGREGATOR_HOST_SERVE_SERVER_H_
#define SEALFOLD_AGGREGATOR_HOST_SERVE_SERVER_H_

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "aggregator/host/keys/key_relay.h"

namespace sealfold {

struct ServeOptions {
  std::string folder;              // of the run
  std::string listen;              // tcp:// for participants; port 0: a free one
  std::string aggregator;          // ipc:// or tcp:// for the aggregator's link
  KeyServiceOptions keys = {};     // that the aggregator may reach
  std::string release = {};        // file of the aggregator's release; empty: the one kept, if any
  std::string identity_from = {};  // state of an earlier run; empty: the one kept, if any
};

// Serves until `stop_fd` is readable; then OK. One thread besides ZeroMQ's. Calls `ready` with the
// endpoint for participants once everything listens, `log` with each public fact worth a line.
//
// The sockets, all bound here, all ROUTER:
//   participants  [connection][head][bulk]            any number; messages bounded, queues bounded
//   aggregator    [connection][session][head][bulk]   of the newest; an empty session: the host
//   control       [connection][head][bulk]            control.sock in the folder, owner only
//
// Unavailable ("listen_failed") when an endpoint cannot be had; or an error of CheckKeyService or
// RunStore, also when the folder cannot be written any more.
absl::Status Serve(const ServeOptions& options, int stop_fd,
                   absl::FunctionRef<void(const std::string& endpoint)> ready,
                   absl::FunctionRef<void(const std::string& fact)> log);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_HOST_SERVE_SERVER_H_
