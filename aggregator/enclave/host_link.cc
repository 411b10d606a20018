#include "aggregator/enclave/host_link.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "absl/strings/match.h"
#include "protocol/base/error.h"
#include "protocol/zmq/frames.h"

namespace sealfold {
namespace {

constexpr char kScheme[] = "ipc://";
constexpr char kMonitor[] = "inproc://host-link-monitor";
constexpr size_t kFrames = 3;
// Messages that wait on our side: the host's own queue is the host's memory.
constexpr int kReceiveQueueMessages = 64;
constexpr int kSendQueueMessages = 1024;
constexpr int64_t kHostFrameBytesMax = 65 << 20;  // a start with the largest plan
constexpr uint64_t kWaitMsMax = 3'600'000;

// As zmq::poll, but an interruption is no error: the caller looks again.
void Poll(std::vector<zmq::pollitem_t>& items, uint64_t wait_ms) {
  try {
    zmq::poll(items, std::chrono::milliseconds(std::min(wait_ms, kWaitMsMax)));
  } catch (const zmq::error_t& error) {
    SEALFOLD_CHECK(error.num() == EINTR);
    for (zmq::pollitem_t& item : items) item.revents = 0;
  }
}

}  // namespace

struct HostLink::Sockets {
  zmq::context_t context{1};
  zmq::socket_t dealer{context, zmq::socket_type::dealer};
  zmq::socket_t monitor{context, zmq::socket_type::pair};
};

HostLink::HostLink(std::unique_ptr<Sockets> sockets) : sockets_(std::move(sockets)) {}

HostLink::~HostLink() = default;

absl::StatusOr<std::unique_ptr<HostLink>> HostLink::Connect(const std::string& endpoint) {
  if (!absl::StartsWith(endpoint, kScheme)) {
    return BadInput({.code = "host_link_not_ipc",
                     .what = "endpoint of the link to the host",
                     .expected = "ipc://PATH: the aggregator has no way to the network",
                     .found = endpoint});
  }
  try {
    auto sockets = std::make_unique<Sockets>();
    zmq::socket_t& dealer = sockets->dealer;
    dealer.set(zmq::sockopt::linger, 0);
    dealer.set(zmq::sockopt::rcvhwm, kReceiveQueueMessages);
    dealer.set(zmq::sockopt::sndhwm, kSendQueueMessages);
    dealer.set(zmq::sockopt::maxmsgsize, kHostFrameBytesMax);
    dealer.set(zmq::sockopt::reconnect_ivl, 50);
    dealer.set(zmq::sockopt::reconnect_ivl_max, 1000);
    if (zmq_socket_monitor(dealer.handle(), kMonitor, ZMQ_EVENT_HANDSHAKE_SUCCEEDED) != 0) {
      throw zmq::error_t();
    }
    sockets->monitor.connect(kMonitor);
    dealer.connect(endpoint);
    return std::unique_ptr<HostLink>(new HostLink(std::move(sockets)));
  } catch (const zmq::error_t& error) {
    return BadInput({.code = "host_link_endpoint",
                     .what = "endpoint of the link to the host",
                     .expected = "ipc://PATH",
                     .found = absl::StrCat(endpoint, ": ", error.what())});
  }
}

HostLink::Woken HostLink::Wait(int stop_fd, std::initializer_list<int> more_fds, uint64_t wait_ms) {
  std::vector<zmq::pollitem_t> items = {{nullptr, stop_fd, ZMQ_POLLIN, 0},
                                        {sockets_->monitor.handle(), 0, ZMQ_POLLIN, 0},
                                        {sockets_->dealer.handle(), 0, ZMQ_POLLIN, 0}};
  for (const int fd : more_fds) {
    if (fd >= 0) items.push_back({nullptr, fd, ZMQ_POLLIN, 0});
  }
  Poll(items, wait_ms);
  Woken woken{.stop = items[0].revents != 0};
  if (items[1].revents != 0) {
    // Only one kind of event is asked for, so what it says need not be read.
    zmq::message_t frame;
    try {
      while (sockets_->monitor.recv(frame, zmq::recv_flags::dontwait).has_value()) {
        woken.connected = true;
      }
    } catch (const zmq::error_t& error) {
      SEALFOLD_CHECK(error.num() == EINTR);  // the rest is still there
    }
  }
  return woken;
}

std::optional<SendMessage> HostLink::Receive() {
  std::optional<std::vector<SharedBytes>> frames = ReceiveFrames(sockets_->dealer, kFrames);
  if (!frames.has_value()) return std::nullopt;
  if (frames->size() != kFrames) return SendMessage{};
  return SendMessage{.session = ToBytes((*frames)[0]),
                     .message = {.head = ToBytes((*frames)[1]), .bulk = std::move((*frames)[2])}};
}

bool HostLink::Send(const SendMessage& message, int stop_fd) {
  while (SendFrames(sockets_->dealer, {message.session, message.message.head},
                    message.message.bulk) != SendOutcome::kSent) {
    std::vector<zmq::pollitem_t> items = {{nullptr, stop_fd, ZMQ_POLLIN, 0},
                                          {sockets_->dealer.handle(), 0, ZMQ_POLLOUT, 0}};
    Poll(items, kWaitMsMax);
    if (items[0].revents != 0) return false;
  }
  return true;
}

}  // namespace sealfold
