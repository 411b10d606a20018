#include "participant-client/net/zmq_link.h"

#include <zmq.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr int64_t kFrameBytesMax = std::max(kMessageHeadBytesMax, kMessageBulkBytesMax);
constexpr int kReconnectMs = 100;
constexpr int kReconnectMsMax = 2000;
constexpr int kHeartbeatMs = 5000;
constexpr int kHeartbeatTimeoutMs = 20'000;

struct ContextDeleter {
  void operator()(void* context) const { zmq_ctx_term(context); }
};
struct SocketDeleter {
  void operator()(void* socket) const { zmq_close(socket); }
};

absl::Status ZmqError(absl::string_view doing) {
  return PeerError({.code = "link_broken",
                    .what = absl::StrCat("connection to the coordinator, ", doing),
                    .expected = "",
                    .found = zmq_strerror(zmq_errno())});
}

class Frame {
 public:
  Frame() { zmq_msg_init(&message_); }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;
  ~Frame() { zmq_msg_close(&message_); }
  zmq_msg_t* get() { return &message_; }
  ByteSpan span() {
    return ByteSpan(static_cast<const uint8_t*>(zmq_msg_data(&message_)), zmq_msg_size(&message_));
  }
  bool more() const { return zmq_msg_more(&message_) != 0; }

 private:
  zmq_msg_t message_;
};

class ZmqLink : public Link {
 public:
  static absl::StatusOr<std::unique_ptr<Link>> Connect(const std::string& endpoint) {
    auto link = std::make_unique<ZmqLink>();
    link->context_.reset(zmq_ctx_new());
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
    if (!SendFrame(message.head, ZMQ_SNDMORE) || !SendFrame(message.bulk, 0)) {
      // A full queue is a peer that is gone: the message counts as lost.
      if (zmq_errno() == EAGAIN) return absl::OkStatus();
      return ZmqError("sending");
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::optional<Message>> Receive(uint64_t timeout_ms) override {
    zmq_pollitem_t item = {.socket = socket_.get(), .fd = 0, .events = ZMQ_POLLIN, .revents = 0};
    const int ready =
        zmq_poll(&item, 1, static_cast<long>(std::min<uint64_t>(timeout_ms, INT_MAX)));
    if (ready < 0 && zmq_errno() != EINTR) return ZmqError("waiting");
    if (ready <= 0) return std::nullopt;
    Message message;
    Bytes* const parts[] = {&message.head, &message.bulk};
    size_t count = 0;
    bool more = true;
    for (; more; ++count) {
      Frame frame;
      if (zmq_msg_recv(frame.get(), socket_.get(), ZMQ_DONTWAIT) < 0) {
        if (zmq_errno() == EAGAIN || zmq_errno() == EINTR) return std::nullopt;
        return ZmqError("receiving");
      }
      if (count < 2) *parts[count] = ToBytes(frame.span());
      more = frame.more();
    }
    // Not a message of ours: as good as lost.
    if (count > 2 || message.head.size() > kMessageHeadBytesMax) return std::nullopt;
    return message;
  }

 private:
  bool Set(int option, int value) {
    return zmq_setsockopt(socket_.get(), option, &value, sizeof(value)) == 0;
  }
  bool SendFrame(const Bytes& bytes, int flags) {
    return zmq_send(socket_.get(), bytes.data(), bytes.size(), flags | ZMQ_DONTWAIT) >= 0;
  }

  // The socket closes before its context ends.
  std::unique_ptr<void, ContextDeleter> context_;
  std::unique_ptr<void, SocketDeleter> socket_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Link>> ConnectZmq(const std::string& endpoint) {
  return ZmqLink::Connect(endpoint);
}

}  // namespace sealfold
