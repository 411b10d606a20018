#include "participant-client/net/zmq_link.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <memory>
#include <mutex>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/zmq/frames.h"

namespace sealfold {
namespace {

constexpr int kReconnectMs = 100;
constexpr int kReconnectMsMax = 2000;
constexpr int kHeartbeatMs = 5000;
constexpr int kHeartbeatTimeoutMs = 20'000;
constexpr size_t kFrames = 2;

constexpr int kSocketsMax = 16'384;  // of one process

struct SocketDeleter {
  void operator()(void* socket) const { zmq_close(socket); }
};

absl::Status ZmqError(absl::string_view doing) {
  return PeerError({.code = "link_broken",
                    .what = absl::StrCat("connection to the coordinator, ", doing),
                    .expected = "",
                    .found = zmq_strerror(zmq_errno())});
}

// One for all links of the process, as long as there is one: a context has two threads of its own,
// and a process may stand for a thousand participants. Null if there is none to be had.
std::shared_ptr<void> SharedContext() {
  static auto& mutex = *new std::mutex();  // both outlive every static object
  static auto& shared = *new std::weak_ptr<void>();
  const std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<void> context = shared.lock();
  if (context != nullptr) return context;
  void* const made = zmq_ctx_new();
  if (made == nullptr) return nullptr;
  context.reset(made, &zmq_ctx_term);
  zmq_ctx_set(made, ZMQ_MAX_SOCKETS, kSocketsMax);
  shared = context;
  return context;
}

class ZmqLink : public Link {
 public:
  static absl::StatusOr<std::unique_ptr<Link>> Connect(const std::string& endpoint) {
    auto link = std::make_unique<ZmqLink>();
    link->context_ = SharedContext();
    if (link->context_ == nullptr) return ZmqError("starting");
    link->socket_.reset(zmq_socket(link->context_.get(), ZMQ_DEALER));
    if (link->socket_ == nullptr) return ZmqError("starting");
    bool set = link->Set(ZMQ_LINGER, 0) && link->Set(ZMQ_RECONNECT_IVL, kReconnectMs) &&
               link->Set(ZMQ_RECONNECT_IVL_MAX, kReconnectMsMax) &&
               link->Set(ZMQ_HEARTBEAT_IVL, kHeartbeatMs) &&
               link->Set(ZMQ_HEARTBEAT_TIMEOUT, kHeartbeatTimeoutMs) &&
               zmq_setsockopt(link->socket_.get(), ZMQ_MAXMSGSIZE, &kFrameBytesMax,
                              sizeof(kFrameBytesMax)) == 0;
    if (!set) return ZmqError("setting it up");
    if (zmq_connect(link->socket_.get(), endpoint.c_str()) != 0) {
      return BadInput({.code = "endpoint_invalid",
                       .what = absl::StrCat("endpoint '", endpoint, "'"),
                       .expected = "tcp://HOST:PORT",
                       .found = zmq_strerror(zmq_errno()),
                       .advice = "ask the coordinator for its address"});
    }
    return link;
  }

  absl::Status Send(const Message& message) override {
    // A full queue is a peer that is gone: the message counts as lost.
    SendFrames(Socket(), {message.head}, message.bulk);
    return absl::OkStatus();
  }

  absl::StatusOr<std::optional<Message>> Receive(uint64_t timeout_ms) override {
    zmq_pollitem_t item = {.socket = socket_.get(), .fd = 0, .events = ZMQ_POLLIN, .revents = 0};
    const int wait_ms = static_cast<int>(std::min<uint64_t>(timeout_ms, INT_MAX));
    const int ready = zmq_poll(&item, 1, wait_ms);
    if (ready < 0 && zmq_errno() != EINTR) return ZmqError("waiting");
    if (ready <= 0) return std::nullopt;
    std::optional<std::vector<SharedBytes>> frames = ReceiveFrames(Socket(), kFrames);
    // Not a message of ours: as good as lost.
    if (!frames.has_value() || frames->empty() || frames->size() > kFrames ||
        (*frames)[0].size() > kMessageHeadBytesMax) {
      return std::nullopt;
    }
    frames->resize(kFrames);
    return Message{.head = ToBytes((*frames)[0]), .bulk = std::move((*frames)[1])};
  }

 private:
  bool Set(int option, int value) {
    return zmq_setsockopt(socket_.get(), option, &value, sizeof(value)) == 0;
  }
  zmq::socket_ref Socket() { return {zmq::from_handle, socket_.get()}; }

  // The socket closes before its context ends.
  std::shared_ptr<void> context_;
  std::unique_ptr<void, SocketDeleter> socket_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Link>> ConnectZmq(const std::string& endpoint) {
  return ZmqLink::Connect(endpoint);
}

}  // namespace sealfold
