#include "aggregator/host/control/client.h"

#include <array>
#include <chrono>
#include <filesystem>
#include <utility>
#include <zmq.hpp>

#include "absl/strings/str_cat.h"
#include "aggregator/host/control/control_message.h"
#include "protocol/base/error.h"
#include "protocol/zmq/frames.h"

namespace sealfold {
namespace {

absl::Status Absent(const std::string& endpoint, absl::string_view found) {
  return PeerError({.code = "host_absent",
                    .what = absl::StrCat("sealfold-coordinator at ", endpoint),
                    .expected = "an answer",
                    .found = std::string(found),
                    .advice = "start `sealfold-coordinator serve`, or check the address"});
}

}  // namespace

struct HostClient::State {
  std::string endpoint;
  zmq::context_t context{1};
  zmq::socket_t socket;

  // A fresh connection: answers to what was asked before are lost with the old one.
  void Reconnect() {
    socket = zmq::socket_t(context, zmq::socket_type::dealer);
    socket.set(zmq::sockopt::linger, 0);
    socket.set(zmq::sockopt::maxmsgsize, kFrameBytesMax);
    socket.connect(endpoint);
  }
};

HostClient::HostClient(std::unique_ptr<State> state) : state_(std::move(state)) {}
HostClient::HostClient(HostClient&&) noexcept = default;
HostClient& HostClient::operator=(HostClient&&) noexcept = default;
HostClient::~HostClient() = default;

absl::StatusOr<HostClient> HostClient::ConnectControl(const std::string& folder) {
  if (!std::filesystem::is_directory(folder)) {
    return BadInput({.code = "folder_missing",
                     .what = absl::StrCat("--state ", folder),
                     .expected = "the folder that `sealfold-coordinator serve` runs on",
                     .found = "no folder",
                     .advice = "check the path"});
  }
  // A serve that is just being started has no socket yet: ZeroMQ tries again until the answer's
  // time is over.
  return Connect(absl::StrCat("ipc://", folder, "/", kControlSocket));
}

absl::StatusOr<HostClient> HostClient::Connect(const std::string& endpoint) {
  auto state = std::make_unique<State>();
  state->endpoint = endpoint;
  try {
    state->Reconnect();
  } catch (const zmq::error_t& e) {
    return BadInput({.code = "endpoint_invalid",
                     .what = absl::StrCat("address ", endpoint),
                     .expected = "one such as tcp://HOST:PORT",
                     .found = e.what()});
  }
  return HostClient(std::move(state));
}

absl::StatusOr<Message> HostClient::Ask(const Message& question, int timeout_ms) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + std::chrono::milliseconds(timeout_ms);
  SendFrames(state_->socket, {question.head}, question.bulk);
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) break;
    zmq::pollitem_t item = {state_->socket.handle(), 0, ZMQ_POLLIN, 0};
    if (zmq_poll(&item, 1, left) <= 0) continue;
    std::optional<std::vector<SharedBytes>> frames = ReceiveFrames(state_->socket, 2);
    if (!frames.has_value() || frames->size() != 2) continue;
    Message answer = {.head = ToBytes((*frames)[0]), .bulk = std::move((*frames)[1])};
    SEALFOLD_ASSIGN_OR_RETURN(const std::string type, cbor::PeekType(answer.head));
    if (type != RefusedMessage::kType) return answer;
    SEALFOLD_ASSIGN_OR_RETURN(const RefusedMessage refused,
                              cbor::DecodeFields<RefusedMessage>(answer.head));
    return refused.ToStatus();
  }
  try {
    state_->Reconnect();
  } catch (const zmq::error_t&) {
    // The next question fails the same way.
  }
  return Absent(state_->endpoint, absl::StrCat("none within ", timeout_ms, " ms"));
}

}  // namespace sealfold
