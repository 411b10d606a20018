#include "attest/software/server/server.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/software/socket_address.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr int kBacklog = 64;

absl::Status SocketError(absl::string_view code, const std::string& path, absl::string_view doing,
                         absl::string_view found) {
  return PeerError({.code = absl::StrCat("softnsm_", code),
                    .what = absl::StrCat("socket ", path),
                    .expected = std::string(doing),
                    .found = std::string(found)});
}

// Removes a socket that nobody listens on any more; leaves anything else.
absl::Status RemoveStale(const sockaddr_un& address, const std::string& path) {
  struct stat file {};
  if (lstat(path.c_str(), &file) != 0) return absl::OkStatus();
  if (!S_ISSOCK(file.st_mode)) {
    return SocketError("path_taken", path, "a free path", "another kind of file");
  }
  UniqueFd probe(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    return SocketError("path_taken", path, "a free path", "a process that listens there");
  }
  unlink(path.c_str());
  return absl::OkStatus();
}

// One received packet.
struct Packet {
  ssize_t size = -1;  // as recvmsg: 0 at the end, -1 with errno
  bool truncated = false;
  pid_t sender = 0;  // 0: not told
};

Packet ReceivePacket(int fd, MutableByteSpan buffer) {
  Packet packet;
  iovec part{buffer.data(), buffer.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  packet.size = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (packet.size < 0) return packet;
  packet.truncated = (message.msg_flags & MSG_TRUNC) != 0;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS) {
      ucred credentials{};
      std::memcpy(&credentials, CMSG_DATA(c), sizeof(credentials));
      packet.sender = credentials.pid;
    }
  }
  return packet;
}

bool QueueEmpty(int fd) {
  uint8_t byte = 0;
  return recv(fd, &byte, sizeof(byte), MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EWOULDBLOCK);
}

absl::Status CallerRefused(absl::string_view code, absl::string_view expected,
                           absl::string_view found) {
  return Refused({.code = absl::StrCat("caller_", code),
                  .what = "request to sealfold-softnsm",
                  .expected = std::string(expected),
                  .found = std::string(found)});
}

}  // namespace

absl::StatusOr<std::unique_ptr<SoftnsmServer>> SoftnsmServer::Listen(Softnsm softnsm,
                                                                     Options options) {
  const std::string& path = options.socket_path;
  SEALFOLD_ASSIGN_OR_RETURN(sockaddr_un address, SocketAddress(path));
  SEALFOLD_RETURN_IF_ERROR(RemoveStale(address, path));
  UniqueFd listener(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1;
  // Before listening, so that no packet arrives without its sender's id. The mode is set before
  // too: the socket cannot be connected to until it listens.
  if (!listener.valid() ||
      setsockopt(listener.get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) != 0 ||
      bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      chmod(path.c_str(), S_IRUSR | S_IWUSR) != 0 || listen(listener.get(), kBacklog) != 0) {
    return SocketError("listen", path, "to listen there", std::strerror(errno));
  }
  return std::unique_ptr<SoftnsmServer>(
      new SoftnsmServer(std::move(softnsm), std::move(options), std::move(listener)));
}

SoftnsmServer::SoftnsmServer(Softnsm softnsm, Options options, UniqueFd listener)
    : softnsm_(std::move(softnsm)), options_(std::move(options)), listener_(std::move(listener)) {}

SoftnsmServer::~SoftnsmServer() { unlink(options_.socket_path.c_str()); }

absl::Status SoftnsmServer::Run(int stop_fd) {
  std::vector<pollfd> polled;
  for (;;) {
    polled.clear();
    polled.push_back({.fd = stop_fd, .events = POLLIN, .revents = 0});
    bool full = connections_.size() >= options_.connections_max;
    polled.push_back({.fd = full ? -1 : listener_.get(), .events = POLLIN, .revents = 0});
    for (const auto& connection : connections_) {
      int16_t events = connection->pending.empty() ? POLLIN : POLLOUT;
      polled.push_back({.fd = connection->fd.get(), .events = events, .revents = 0});
    }
    if (poll(polled.data(), polled.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return SocketError("poll", options_.socket_path, "to wait for requests",
                         std::strerror(errno));
    }
    if (polled[0].revents != 0) return absl::OkStatus();
    // One packet of each connection a turn, so that none starves the others.
    for (size_t i = 0; i + 2 < polled.size(); ++i) {
      if (polled[i + 2].revents == 0) continue;
      Connection& connection = *connections_[i];
      bool open = connection.pending.empty() ? Receive(connection) : Send(connection);
      if (!open) connections_[i].reset();
    }
    std::erase(connections_, nullptr);
    if (polled[1].revents != 0) Accept();
  }
}

void SoftnsmServer::Accept() {
  UniqueFd fd(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd.valid()) return;  // the caller has gone again
  absl::StatusOr<Caller> caller = Caller::Of(fd.get());
  if (!caller.ok()) {
    options_.log(caller.status().message());
    return;
  }
  absl::StatusOr<Measurement> measurement = caller->Measure(cache_);
  if (!measurement.ok()) options_.log(measurement.status().message());
  auto connection = std::make_unique<Connection>(
      Connection{.fd = std::move(fd), .caller = *std::move(caller), .accepted_as = measurement});
  connection->quiet = QueueEmpty(connection->fd.get());
  connections_.push_back(std::move(connection));
}

absl::StatusOr<Measurement> SoftnsmServer::MeasureAgain(const Connection& connection, bool in_time,
                                                        pid_t sender) {
  if (sender != connection.caller.pid()) {
    return CallerRefused("other",
                         absl::StrCat("the process that connected, ", connection.caller.pid()),
                         absl::StrCat("process ", sender));
  }
  if (!in_time) {
    return CallerRefused("early", "a request sent after the first answer",
                         "one that may be older than the caller's measurement");
  }
  SEALFOLD_ASSIGN_OR_RETURN(Measurement first, connection.accepted_as);
  SEALFOLD_ASSIGN_OR_RETURN(Measurement now, connection.caller.Measure(cache_));
  if (now != first) {
    return CallerRefused("changed", "the program that connected", "another one in its process");
  }
  return now;
}

bool SoftnsmServer::Receive(Connection& connection) {
  uint8_t buffer[kNsmRequestSizeMax + 1];
  const bool in_time = connection.quiet;
  Packet packet = ReceivePacket(connection.fd.get(), buffer);
  if (packet.size < 0) return errno == EAGAIN || errno == EINTR;
  if (packet.size == 0) return false;
  // Before the answer goes out: the caller, if it waits for it, has sent nothing more yet.
  connection.quiet = connection.quiet || QueueEmpty(connection.fd.get());
  auto measure = [&]() -> absl::StatusOr<Measurement> {
    absl::StatusOr<Measurement> measurement = MeasureAgain(connection, in_time, packet.sender);
    if (!measurement.ok()) options_.log(measurement.status().message());
    return measurement;
  };
  // A truncated packet fills the buffer, which is one byte more than a request may have.
  ByteSpan request(buffer, static_cast<size_t>(packet.size));
  connection.pending = softnsm_.Answer(request, measure, options_.now_ms());
  return Send(connection);
}

bool SoftnsmServer::Send(Connection& connection) {
  ssize_t sent = send(connection.fd.get(), connection.pending.data(), connection.pending.size(),
                      MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
  connection.pending.clear();
  return true;
}

}  // namespace sealfold
