// The one link to the untrusted host: a ZeroMQ DEALER that connects to the host's ipc endpoint.
//
// Each message is three frames: session (empty: the host itself), head, bulk.
#ifndef SEALFOLD_AGGREGATOR_ENCLAVE_HOST_LINK_H_
#define SEALFOLD_AGGREGATOR_ENCLAVE_HOST_LINK_H_

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "aggregator/core/contract/action.h"

namespace sealfold {

// One thread. Exceptions of ZeroMQ end here. What the host does to it can only be silence.
class HostLink {
 public:
  // `endpoint` is ipc://PATH and nothing else: this program has no way to the network
  // ("host_link_not_ipc"). The host need not be there yet: the link is made, and made again,
  // whenever it is.
  static absl::StatusOr<std::unique_ptr<HostLink>> Connect(const std::string& endpoint);
  HostLink(const HostLink&) = delete;
  HostLink& operator=(const HostLink&) = delete;
  ~HostLink();

  struct Woken {
    bool stop = false;       // `stop_fd` is readable
    bool connected = false;  // a connection to a host was made since the last call
  };
  // Returns when there is a message or one of these, when one of `more_fds` is readable (-1: none),
  // or after `wait_ms`.
  Woken Wait(int stop_fd, std::initializer_list<int> more_fds, uint64_t wait_ms);

  // The next message that is there. What is not three frames comes as a message of the host's
  // without a head.
  std::optional<SendMessage> Receive();
  // Waits while the host is behind. False if `stop_fd` became readable meanwhile; then nothing was
  // sent.
  bool Send(const SendMessage& message, int stop_fd);

 private:
  struct Sockets;
  explicit HostLink(std::unique_ptr<Sockets> sockets);
  std::unique_ptr<Sockets> sockets_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_ENCLAVE_HOST_LINK_H_
