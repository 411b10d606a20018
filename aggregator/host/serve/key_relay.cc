#include "aggregator/host/serve/key_relay.h"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
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

Message EndOf(uint64_t call) { return ToMessage(KeyBytes{.call = call, .end = true}); }

bool TryLater() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

// Where a service of that name may be, in the order to be tried; none if it has no address.
std::vector<KeyRelay::Address> AddressesOf(const std::string& endpoint) {
  const absl::StatusOr<HostPort> at = ParseHostPort(endpoint, "--key-service");
  if (!at.ok()) return {};
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(at->host.c_str(), absl::StrCat(at->port).c_str(), &hints, &found) != 0) {
    return {};
  }
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  std::vector<KeyRelay::Address> out;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    const auto* const bytes = reinterpret_cast<const uint8_t*>(each->ai_addr);
    out.emplace_back(bytes, bytes + each->ai_addrlen);
  }
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace

bool KeyRelay::OnAggregator(const Message& message, std::vector<Message>& to_aggregator) {
  const std::string type = cbor::PeekType(message.head).value_or("");
  if (type == KeyOpen::kType) {
    const absl::StatusOr<KeyOpen> open = cbor::DecodeFields<KeyOpen>(message.head);
    if (open.ok() && !Open(open->call, to_aggregator).ok()) {
      to_aggregator.push_back(EndOf(open->call));
    }
    return true;
  }
  if (type != KeyBytes::kType) return false;
  const absl::StatusOr<KeyBytes> bytes = cbor::DecodeFields<KeyBytes>(message.head);
  if (!bytes.ok() || !connection_.valid() || bytes->call != call_) return true;
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

absl::Status KeyRelay::Open(uint64_t call, std::vector<Message>& to_aggregator) {
  End();
  call_ = call;
  if (options_.endpoint.empty()) return absl::NotFoundError("no key service");
  SEALFOLD_ASSIGN_OR_RETURN(const std::string access_key,
                            ReadFile(options_.access_key_path, kAccessKeyBytesMax));
  untried_ = AddressesOf(options_.endpoint);
  if (!Connect()) return absl::UnavailableError("no connection");
  to_aggregator.push_back(
      ToMessage(KeyAccess{.call = call, .access_key = ToBytes(AsBytes(access_key))}));
  return absl::OkStatus();
}

bool KeyRelay::Connect() {
  while (!untried_.empty()) {
    const Address address = std::move(untried_.back());
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
  while (true) {
    Bytes part(kPartSize);
    const ssize_t size = recv(connection_.get(), part.data(), part.size(), MSG_DONTWAIT);
    if (size < 0) return TryLater();
    if (size == 0) return false;
    untried_.clear();
    part.resize(static_cast<size_t>(size));
    to_aggregator.push_back(ToMessage(KeyBytes{.call = call_}, std::move(part)));
  }
}

void KeyRelay::End() {
  connection_ = UniqueFd();
  untried_.clear();
  out_.clear();
}

}  // namespace sealfold
