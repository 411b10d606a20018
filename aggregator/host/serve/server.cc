#include "aggregator/host/serve/server.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <deque>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregator/host/run/state_files.h"
#include "aggregator/host/serve/host.h"
#include "protocol/base/error.h"
#include "protocol/program/steady_clock.h"
#include "protocol/program/wall_clock.h"
#include "protocol/zmq/frames.h"

namespace sealfold {
namespace {

constexpr int kPollMs = 250;
constexpr int kPollBacklogMs = 1;     // while the aggregator does not take messages
constexpr int kMessagesPerTurn = 64;  // of one socket before the others have theirs
constexpr int kQueuedPerParticipant = 32;
constexpr int kQueuedForAggregator = 256;
constexpr int kBacklog = 4096;  // participants that connect at once; the kernel may allow fewer
constexpr size_t kMessageBytesMax = std::max(kMessageBulkBytesMax, kMessageHeadBytesMax);
constexpr size_t kAggregatorMessageBytesMax = kRecordFileBytesMax + kMessageHeadBytesMax;
constexpr char kMonitorEndpoint[] = "inproc://aggregator-monitor";

absl::Status Bind(zmq::socket_t& socket, const std::string& endpoint) {
  try {
    socket.bind(endpoint);
  } catch (const zmq::error_t& e) {
    const Explanation why = {
        .code = "listen_failed",
        .what = absl::StrCat("listening on ", endpoint),
        .expected =
            "an endpoint that is free, such as tcp://127.0.0.1:0 or ipc://PATH of at most "
            "107 bytes",
        .found = e.what(),
        .advice = "choose another endpoint, or a folder with a shorter path"};
    return e.num() == EADDRINUSE ? PeerError(why) : BadInput(why);
  }
  return absl::OkStatus();
}

// Unix sockets for the owner only.
absl::Status BindPrivate(zmq::socket_t& socket, const std::string& endpoint) {
  const mode_t before = umask(0077);
  absl::Status status = Bind(socket, endpoint);
  umask(before);
  return status;
}

// Each participant's connection is an open file, and the usual limit is for programs of another
// kind.
void RaiseOpenFiles() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &limit);  // where it is refused, fewer can connect
}

class Server {
 public:
  Server(std::unique_ptr<RunStore> store, KeyServiceOptions keys, int stop_fd,
         absl::FunctionRef<void(const std::string& fact)> log)
      : store_(std::move(store)),
        log_(log),
        host_(*store_, WallMs()),
        stop_fd_(stop_fd),
        participants_(context_, zmq::socket_type::router),
        aggregator_(context_, zmq::socket_type::router),
        control_(context_, zmq::socket_type::router),
        monitor_(context_, zmq::socket_type::pair),
        keys_(std::move(keys)) {}

  absl::Status Listen(const ServeOptions& options);
  std::string endpoint() const { return participants_.get(zmq::sockopt::last_endpoint); }
  absl::Status Run();

 private:
  static void SetUp(zmq::socket_t& socket, size_t message_bytes_max, int queued_max);
  void ReceiveParticipants();
  bool ReceiveAggregator();
  void ReceiveControl();
  void ReceiveMonitor();
  void Deliver(HostOutput out);
  void DeliverToAggregator(Routed routed, HostOutput& more);
  void DeliverToAggregator(std::vector<Message> messages);

  std::unique_ptr<RunStore> store_;
  absl::FunctionRef<void(const std::string& fact)> log_;
  Host host_;
  int stop_fd_;
  zmq::context_t context_{1};
  zmq::socket_t participants_;
  zmq::socket_t aggregator_;
  zmq::socket_t control_;
  zmq::socket_t monitor_;
  KeyRelay keys_;
  Bytes keys_of_;        // whose call it is: the connection it came over
  int connections_ = 0;  // on the aggregator's link
  // What the aggregator does not take yet. While there is something, participants are not read
  // from: their connections push back, and one turn's messages are all that gathers here.
  std::deque<Routed> backlog_;
};

void Server::SetUp(zmq::socket_t& socket, size_t message_bytes_max, int queued_max) {
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<int64_t>(message_bytes_max));
  socket.set(zmq::sockopt::sndhwm, queued_max);
  socket.set(zmq::sockopt::rcvhwm, queued_max);
}

absl::Status Server::Listen(const ServeOptions& options) {
  SetUp(participants_, kMessageBytesMax, kQueuedPerParticipant);
  participants_.set(zmq::sockopt::backlog, kBacklog);
  // Connections whose other end is gone without a word do not stay.
  participants_.set(zmq::sockopt::heartbeat_ivl, 15'000);
  participants_.set(zmq::sockopt::heartbeat_timeout, 60'000);
  SetUp(aggregator_, kAggregatorMessageBytesMax, kQueuedForAggregator);
  aggregator_.set(zmq::sockopt::router_mandatory, true);
  SetUp(control_, kMessageHeadBytesMax, kQueuedPerParticipant);
  if (zmq_socket_monitor(aggregator_.handle(), kMonitorEndpoint,
                         ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED) != 0) {
    return PeerError({.code = "listen_failed",
                      .what = "watching the aggregator's link",
                      .found = zmq_strerror(errno)});
  }
  monitor_.connect(kMonitorEndpoint);
  SEALFOLD_RETURN_IF_ERROR(BindPrivate(aggregator_, options.aggregator));
  SEALFOLD_RETURN_IF_ERROR(
      BindPrivate(control_, absl::StrCat("ipc://", store_->Path(kControlSocket))));
  return Bind(participants_, options.listen);
}

absl::Status Server::Run() {
  uint64_t tick_ms = 0;
  while (host_.broken().ok()) {
    const decltype(zmq::pollitem_t::events) read_participants = backlog_.empty() ? ZMQ_POLLIN : 0;
    const decltype(zmq::pollitem_t::events) read_keys =
        keys_.writes() ? ZMQ_POLLIN | ZMQ_POLLOUT : ZMQ_POLLIN;
    std::array<zmq::pollitem_t, 6> items = {{{participants_.handle(), 0, read_participants, 0},
                                             {aggregator_.handle(), 0, ZMQ_POLLIN, 0},
                                             {control_.handle(), 0, ZMQ_POLLIN, 0},
                                             {monitor_.handle(), 0, ZMQ_POLLIN, 0},
                                             {nullptr, stop_fd_, ZMQ_POLLIN, 0},
                                             {nullptr, keys_.fd(), read_keys, 0}}};
    const int wait_ms = backlog_.empty() ? kPollMs : kPollBacklogMs;
    const int polled = static_cast<int>(items.size()) - (keys_.fd() < 0 ? 1 : 0);
    if (zmq_poll(items.data(), polled, wait_ms) < 0 && errno != EINTR) {
      return PeerError(
          {.code = "poll_failed", .what = "waiting for messages", .found = zmq_strerror(errno)});
    }
    if (items[4].revents != 0) return absl::OkStatus();
    if (!backlog_.empty()) {
      HostOutput again;
      for (std::deque<Routed> waiting = std::exchange(backlog_, {}); Routed & routed : waiting) {
        DeliverToAggregator(std::move(routed), again);
      }
      Deliver(std::move(again));
    }
    if (items[0].revents != 0) ReceiveParticipants();
    if (items[1].revents != 0) ReceiveAggregator();
    if (items[2].revents != 0) ReceiveControl();
    if (items[3].revents != 0) ReceiveMonitor();
    // Another aggregator numbers its calls anew, and must not hear the end of this one's.
    if (keys_of_ != host_.aggregator()) keys_.OnAggregatorGone();
    if (keys_.fd() >= 0) {
      std::vector<Message> relayed;
      keys_.OnReady(relayed);
      DeliverToAggregator(std::move(relayed));
    }
    const uint64_t now_ms = SteadyMs();
    if (now_ms - tick_ms < kPollMs) continue;
    tick_ms = now_ms;
    HostOutput out;
    host_.OnTick(now_ms, out);
    Deliver(std::move(out));
  }
  return host_.broken();
}

void Server::ReceiveParticipants() {
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    std::optional<std::vector<SharedBytes>> frames = ReceiveFrames(participants_, 3);
    if (!frames.has_value()) return;
    if (frames->size() != 3) continue;
    HostOutput out;
    host_.OnParticipant(ToBytes((*frames)[0]), {ToBytes((*frames)[1]), std::move((*frames)[2])},
                        SteadyMs(), out);
    Deliver(std::move(out));
  }
}

// True if more may be there.
bool Server::ReceiveAggregator() {
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    std::optional<std::vector<SharedBytes>> frames = ReceiveFrames(aggregator_, 4);
    if (!frames.has_value()) return false;
    const bool probe = frames->size() == 2 && (*frames)[1].empty();
    if (frames->size() != 4 && !probe) continue;
    frames->resize(4);
    if (ToBytes((*frames)[0]) == host_.aggregator() && (*frames)[1].empty()) {
      keys_of_ = host_.aggregator();
      std::vector<Message> answers;
      if (keys_.OnAggregator({ToBytes((*frames)[2]), (*frames)[3]}, answers)) {
        DeliverToAggregator(std::move(answers));
        continue;
      }
    }
    HostOutput out;
    host_.OnAggregator(ToBytes((*frames)[0]), ToBytes((*frames)[1]),
                       {ToBytes((*frames)[2]), std::move((*frames)[3])}, SteadyMs(), out);
    Deliver(std::move(out));
  }
  return true;
}

void Server::ReceiveControl() {
  for (int i = 0; i < kMessagesPerTurn; ++i) {
    std::optional<std::vector<SharedBytes>> frames = ReceiveFrames(control_, 3);
    if (!frames.has_value()) return;
    if (frames->size() != 3) continue;
    HostOutput out;
    host_.OnControl(ToBytes((*frames)[0]), {ToBytes((*frames)[1]), std::move((*frames)[2])},
                    SteadyMs(), out);
    Deliver(std::move(out));
  }
}

void Server::ReceiveMonitor() {
  bool lost = false;
  while (std::optional<std::vector<SharedBytes>> frames = ReceiveFrames(monitor_, 2)) {
    uint16_t event = 0;
    if (frames->empty() || frames->front().size() < sizeof(event)) continue;
    std::copy_n(frames->front().begin(), sizeof(event), reinterpret_cast<uint8_t*>(&event));
    connections_ += event == ZMQ_EVENT_ACCEPTED ? 1 : -1;
    lost = lost || event == ZMQ_EVENT_DISCONNECTED;
  }
  if (!lost || connections_ > 0) return;
  // What it said before it went is heard first.
  while (ReceiveAggregator()) {
  }
  HostOutput out;
  host_.OnAggregatorGone(SteadyMs(), out);
  Deliver(std::move(out));
}

void Server::DeliverToAggregator(std::vector<Message> messages) {
  HostOutput out;
  for (Message& message : messages) out.to_aggregator.push_back({{}, std::move(message)});
  Deliver(std::move(out));
}

void Server::DeliverToAggregator(Routed routed, HostOutput& more) {
  if (host_.aggregator().empty()) {
    host_.OnNotRelayed(routed.peer, more);
    return;
  }
  // Messages stay in order.
  const SendOutcome outcome =
      backlog_.empty()
          ? SendFrames(aggregator_, {host_.aggregator(), routed.peer, routed.message.head},
                       routed.message.bulk)
          : SendOutcome::kBusy;
  if (outcome == SendOutcome::kSent) return;
  backlog_.push_back(std::move(routed));
  if (outcome == SendOutcome::kBusy) return;
  for (const Routed& lost : std::exchange(backlog_, {})) {
    host_.OnNotRelayed(lost.peer, more);
  }
  host_.OnAggregatorGone(SteadyMs(), more);
}

void Server::Deliver(HostOutput out) {
  while (true) {
    for (const std::string& note : out.notes) log_(note);
    for (const Routed& routed : out.to_participants) {
      SendFrames(participants_, {routed.peer, routed.message.head}, routed.message.bulk);
    }
    for (const Routed& routed : out.to_control) {
      SendFrames(control_, {routed.peer, routed.message.head}, routed.message.bulk);
    }
    if (out.to_aggregator.empty()) return;
    HostOutput more;
    for (Routed& routed : out.to_aggregator) DeliverToAggregator(std::move(routed), more);
    out = std::move(more);
  }
}

}  // namespace

absl::Status Serve(const ServeOptions& options, int stop_fd,
                   absl::FunctionRef<void(const std::string& endpoint)> ready,
                   absl::FunctionRef<void(const std::string& fact)> log) {
  SEALFOLD_RETURN_IF_ERROR(CheckKeyService(options.keys));
  SEALFOLD_ASSIGN_OR_RETURN(std::unique_ptr<RunStore> store, RunStore::Open(options.folder));
  if (!options.release.empty()) {
    SEALFOLD_RETURN_IF_ERROR(KeepReleaseFile(*store, options.release));
  }
  if (!options.identity_from.empty()) {
    SEALFOLD_RETURN_IF_ERROR(KeepIdentityFrom(*store, options.identity_from));
  }
  const std::string state =
      absl::StrCat("plan ", store->plan().digest.hex(), " of ", store->plan().plan.rounds,
                   " rounds; ", store->records(), " published");
  RaiseOpenFiles();
  try {
    Server server(std::move(store), options.keys, stop_fd, log);
    SEALFOLD_RETURN_IF_ERROR(server.Listen(options));
    log(state);
    ready(server.endpoint());
    return server.Run();
  } catch (const zmq::error_t& e) {
    return PeerError({.code = "socket_failed", .what = "sockets", .found = e.what()});
  }
}

}  // namespace sealfold
