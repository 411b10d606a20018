#include "aggregator/host/keys/key_relay.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/message/state_message.h"
#include "protocol/program/host_port.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

constexpr size_t kWaitingBytesMax = 256 << 10;  // a call sends some kilobytes
constexpr size_t kPartSize = 16 << 10;
constexpr size_t kPartsAtOnce = 16;  // then others have their turn; the socket holds the rest

Message EndOf(uint64_t call) { return ToMessage(KeyBytes{.call = call, .end = true}); }

bool TryLater() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

absl::Status CheckKeyService(const KeyServiceOptions& options) {
  if (options.endpoint.empty()) return absl::OkStatus();
  SEALFOLD_RETURN_IF_ERROR(ParseHostPort(options.endpoint, "--key-service").status());
  return ReadFile(options.access_key_path, kAccessKeyBytesMax).status();
}

bool KeyRelay::OnAggregator(const Message& message, std::vector<Message>& to_aggregator) {
  const std::string type = cbor::PeekType(message.head).value_or("");
  if (type == KeyOpen::kType) {
    const absl::StatusOr<KeyOpen> open = cbor::DecodeFields<KeyOpen>(message.head);
    if (open.ok() && !Open(open->call).ok()) {
      to_aggregator.push_back(EndOf(open->call));
    }
    return true;
  }
  if (type != KeyBytes::kType) return false;
  const absl::StatusOr<KeyBytes> bytes = cbor::DecodeFields<KeyBytes>(message.head);
  if (!bytes.ok() || bytes->call != call_) return true;
  if (access_key_.has_value() && bytes->end) End();
  if (!connection_.valid()) return true;
  const bool too_much = out_.size() + message.bulk.size() > kWaitingBytesMax;
  if (bytes->end || too_much) {
    End();
    if (too_much) to_aggregator.push_back(EndOf(call_));
    return true;
  }
  Append(out_, message.bulk);
  OnReady(to_aggregator);
  return true;
}

absl::Status KeyRelay::Open(uint64_t call) {
  End();
  call_ = call;
  if (options_.endpoint.empty()) return absl::NotFoundError("no key service");
  SEALFOLD_ASSIGN_OR_RETURN(HostPort at, ParseHostPort(options_.endpoint, "--key-service"));
  SEALFOLD_ASSIGN_OR_RETURN(const std::string access_key,
                            ReadFile(options_.access_key_path, kAccessKeyBytesMax));
  // One that an earlier call began is for the same name.
  if (!lookup_.has_value()) lookup_ = NameLookup::Start(std::move(at), resolver_);
  if (!lookup_.has_value()) return absl::UnavailableError("no look-up");
  access_key_ = ToBytes(AsBytes(access_key));
  return absl::OkStatus();
}

void KeyRelay::OnLookup(std::vector<Message>& to_aggregator) {
  std::optional<std::vector<SocketAddress>> found = lookup_->Take();
  if (!found.has_value()) return;
  lookup_.reset();
  std::optional<Bytes> access_key = std::exchange(access_key_, std::nullopt);
  if (!access_key.has_value()) return;  // the call is over
  untried_ = *std::move(found);
  std::reverse(untried_.begin(), untried_.end());
  to_aggregator.push_back(
      Connect() ? ToMessage(KeyAccess{.call = call_, .access_key = *std::move(access_key)})
                : EndOf(call_));
}

bool KeyRelay::Connect() {
  while (!untried_.empty()) {
    const SocketAddress address = std::move(untried_.back());
    untried_.pop_back();
    const auto* const at = reinterpret_cast<const sockaddr*>(address.data());
    connection_ = UniqueFd(socket(at->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!connection_.valid()) continue;
    if (connect(connection_.get(), at, static_cast<socklen_t>(address.size())) == 0 ||
        errno == EINPROGRESS) {
      return true;
    }
  }
  connection_ = UniqueFd();
  return false;
}

void KeyRelay::OnReady(std::vector<Message>& to_aggregator) {
  if (lookup_.has_value()) return OnLookup(to_aggregator);
  if (!connection_.valid() || (Write() && Read(to_aggregator))) return;
  // Nobody at that address, if nothing went to or fro.
  if (Connect()) return;
  End();
  to_aggregator.push_back(EndOf(call_));
}

bool KeyRelay::Write() {
  while (!out_.empty()) {
    const ssize_t size =
        send(connection_.get(), out_.data(), out_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (size < 0) return TryLater();
    out_.erase(out_.begin(), out_.begin() + size);
    untried_.clear();
  }
  return true;
}

bool KeyRelay::Read(std::vector<Message>& to_aggregator) {
  for (size_t parts = 0; parts < kPartsAtOnce; ++parts) {
    Bytes part(kPartSize);
    const ssize_t size = recv(connection_.get(), part.data(), part.size(), MSG_DONTWAIT);
    if (size < 0) return TryLater();
    if (size == 0) return false;
    untried_.clear();
    part.resize(static_cast<size_t>(size));
    to_aggregator.push_back(ToMessage(KeyBytes{.call = call_}, std::move(part)));
  }
  return true;
}

void KeyRelay::End() {
  connection_ = UniqueFd();
  access_key_.reset();
  untried_.clear();
  out_.clear();
}

}  // namespace sealfold
