// Serves a Softnsm on a Unix socket (SOCK_SEQPACKET: one request or response per packet).
//
// Who asks is what the kernel says, never what the caller says. SO_PEERCRED names the process that
// connected, and a connection can be handed on, or its process can become another program, so that
// is not enough:
//   - the caller is measured when its connection is accepted, and again at every request that needs
//   it; a
//     program that became another one in between is refused;
//   - every packet carries its sender's process id (SCM_CREDENTIALS), which must be the caller's;
//   - a packet that may have been sent before the caller was first measured is never attested: the
//   sender
//     could have become another program just after. So a client waits for one answer (to
//     DescribeNSM, say) before it asks for a document, as ConnectSoftwareAttester does.
// What this cannot see: libraries, environment (LD_PRELOAD) and debuggers of the caller; root. It
// is for development.
#ifndef SEALFOLD_ATTEST_SOFTWARE_SERVER_SERVER_H_
#define SEALFOLD_ATTEST_SOFTWARE_SERVER_SERVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "attest/software/server/caller.h"
#include "attest/software/server/softnsm.h"
#include "protocol/base/unique_fd.h"

namespace sealfold {

class SoftnsmServer {
 public:
  struct Options {
    std::string socket_path;           // made with mode 0600; a stale socket there is replaced
    size_t connections_max = 64;       // more wait in the system's queue
    std::function<uint64_t()> now_ms;  // since 1970, UTC
    std::function<void(absl::string_view)> log = [](absl::string_view) {};  // one line a call
  };

  // Listening when it returns. PeerError or BadInput, codes "softnsm_*".
  static absl::StatusOr<std::unique_ptr<SoftnsmServer>> Listen(Softnsm softnsm, Options options);
  ~SoftnsmServer();  // closes and removes the socket
  SoftnsmServer(const SoftnsmServer&) = delete;
  SoftnsmServer& operator=(const SoftnsmServer&) = delete;

  // Serves until `stop_fd` is readable (a signalfd, or the end of a pipe). On one thread.
  absl::Status Run(int stop_fd);

 private:
  struct Connection {
    UniqueFd fd;
    Caller caller;
    absl::StatusOr<Measurement> accepted_as;  // at accept
    bool quiet = false;  // since then, the queue of packets has been empty once
    Bytes pending =
        {};  // a response that did not fit the socket's buffer; nothing is read until it is out
  };

  SoftnsmServer(Softnsm softnsm, Options options, UniqueFd listener);
  void Accept();
  // Each false: the connection is to be closed.
  bool Receive(Connection& connection);
  bool Send(Connection& connection);
  absl::StatusOr<Measurement> MeasureAgain(const Connection& connection, bool in_time,
                                           pid_t sender);

  Softnsm softnsm_;
  Options options_;
  UniqueFd listener_;
  MeasurementCache cache_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_SOFTWARE_SERVER_SERVER_H_
