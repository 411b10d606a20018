#include "tests/e2e/relay.h"

#include <deque>
#include <map>
#include <random>
#include <zmq.hpp>
#include <zmq_addon.hpp>

namespace sealfold {
namespace {

constexpr size_t kHistoryMax = 64;  // messages a connection's replays are drawn from
constexpr size_t kDelayMax = 8;     // messages that may overtake a delayed one

using Frames = std::vector<Bytes>;  // head and bulk

Frames Receive(zmq::socket_t& socket) {
  Frames frames;
  zmq::message_t frame;
  do {
    if (!socket.recv(frame, zmq::recv_flags::none).has_value()) break;
    const auto* data = static_cast<const uint8_t*>(frame.data());
    frames.emplace_back(data, data + frame.size());
  } while (frame.more());
  return frames;
}

void Send(zmq::socket_t& socket, const Frames& frames) {
  for (size_t i = 0; i < frames.size(); ++i) {
    socket.send(zmq::buffer(frames[i].data(), frames[i].size()),
                i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  }
}

// One direction of one connection: what was held back, and what has passed.
struct Lane {
  std::deque<std::pair<Frames, size_t>> delayed;  // with how many messages may still pass before it
  std::deque<Frames> history;
};

}  // namespace

struct Relay::State {
  std::string coordinator;
  Harm harm;
  std::mt19937_64 rng;
  std::function<void(const Message&)> on_message;
  zmq::context_t context;
  zmq::socket_t front{context, zmq::socket_type::router};
  struct Connection {
    zmq::socket_t back;
    Lane up;
    Lane down;
  };
  std::map<Bytes, Connection> connections;  // by participant's identity

  bool Chance(int per_mille) { return static_cast<int>(rng() % 1000) < per_mille; }

  // Puts `frames` through the lane: what comes out of it now, in order. Counts what was done to it.
  std::vector<Frames> Pass(Lane& lane, Frames frames, const Harm& now,
                           std::atomic<uint64_t>& harmed) {
    std::vector<Frames> out;
    lane.history.push_back(frames);
    if (lane.history.size() > kHistoryMax) lane.history.pop_front();
    if (Chance(now.flip)) {
      Bytes& frame = frames[rng() % frames.size()];
      if (!frame.empty()) frame[rng() % frame.size()] ^= static_cast<uint8_t>(1u << (rng() % 8));
      ++harmed;
    }
    if (Chance(now.drop)) {
      ++harmed;
    } else if (Chance(now.delay)) {
      lane.delayed.emplace_back(std::move(frames), 1 + rng() % kDelayMax);
      ++harmed;
    } else {
      if (Chance(now.duplicate)) {
        out.push_back(frames);
        ++harmed;
      }
      out.push_back(std::move(frames));
    }
    if (Chance(now.replay)) {
      out.push_back(lane.history[rng() % lane.history.size()]);
      ++harmed;
    }
    for (auto it = lane.delayed.begin(); it != lane.delayed.end();) {
      if (--it->second == 0) {
        out.push_back(std::move(it->first));
        it = lane.delayed.erase(it);
      } else {
        ++it;
      }
    }
    return out;
  }

  Connection& ConnectionOf(const Bytes& identity) {
    auto it = connections.find(identity);
    if (it != connections.end()) return it->second;
    zmq::socket_t back(context, zmq::socket_type::dealer);
    back.set(zmq::sockopt::linger, 0);
    back.connect(coordinator);
    return connections.emplace(identity, Connection{.back = std::move(back), .up = {}, .down = {}})
        .first->second;
  }
};

Relay::Relay(const std::string& coordinator, uint64_t seed, const Harm& harm,
             std::function<void(const Message&)> on_message)
    : state_(std::make_unique<State>()) {
  state_->coordinator = coordinator;
  state_->harm = harm;
  state_->rng.seed(seed);
  state_->on_message = std::move(on_message);
  state_->front.set(zmq::sockopt::linger, 0);
  state_->front.bind("tcp://127.0.0.1:*");
  endpoint_ = state_->front.get(zmq::sockopt::last_endpoint);
  thread_ = std::thread([this] { Loop(); });
}

Relay::~Relay() {
  stop_ = true;
  thread_.join();
}

void Relay::Loop() {
  constexpr std::chrono::milliseconds kPoll(20);
  while (!stop_) {
    std::vector<zmq::pollitem_t> items = {{state_->front.handle(), 0, ZMQ_POLLIN, 0}};
    std::vector<const Bytes*> identities;
    for (auto& [identity, connection] : state_->connections) {
      items.push_back({connection.back.handle(), 0, ZMQ_POLLIN, 0});
      identities.push_back(&identity);
    }
    zmq::poll(items, kPoll);
    const Harm harm = harmed_ < state_->harm.harmed_max ? state_->harm : Harm();
    for (size_t i = 0; i < identities.size(); ++i) {
      if ((items[i + 1].revents & ZMQ_POLLIN) == 0) continue;
      State::Connection& connection = state_->connections.at(*identities[i]);
      for (Frames& frames :
           state_->Pass(connection.down, Receive(connection.back), harm, harmed_)) {
        frames.insert(frames.begin(), *identities[i]);
        Send(state_->front, frames);
      }
    }
    if ((items[0].revents & ZMQ_POLLIN) == 0) continue;
    Frames frames = Receive(state_->front);
    if (frames.size() < 2) continue;
    State::Connection& connection = state_->ConnectionOf(frames[0]);
    frames.erase(frames.begin());
    if (state_->on_message) {
      state_->on_message({.head = frames[0], .bulk = frames.size() > 1 ? frames[1] : Bytes()});
    }
    for (const Frames& passed : state_->Pass(connection.up, std::move(frames), harm, harmed_)) {
      Send(connection.back, passed);
    }
  }
}

}  // namespace sealfold
