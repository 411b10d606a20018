#include "attest/keybroker/server/connections.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdint>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr size_t kIpv6NetBytes = 8;

// Whom a connection counts for; "" where that is not known any more.
std::string AddressOf(int fd) {
  sockaddr_storage peer = {};
  socklen_t size = sizeof(peer);
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&peer), &size) != 0) return "";
  if (peer.ss_family == AF_INET) {
    const auto* address = reinterpret_cast<const sockaddr_in*>(&peer);
    return std::string(reinterpret_cast<const char*>(&address->sin_addr), sizeof(in_addr));
  }
  if (peer.ss_family != AF_INET6) return "";
  const auto* address = reinterpret_cast<const sockaddr_in6*>(&peer);
  const auto* bytes = reinterpret_cast<const char*>(&address->sin6_addr);
  // An IPv4 address in IPv6's form has it in its last four bytes.
  if (IN6_IS_ADDR_V4MAPPED(&address->sin6_addr)) return std::string(bytes + 12, sizeof(in_addr));
  return std::string(bytes, kIpv6NetBytes);
}

}  // namespace

Connections::Connections(SSL_CTX* context) {
  // The library calls nobody when it begins with a connection; OpenSSL does.
  SEALFOLD_CHECK(SSL_CTX_set_ex_data(context, 0, this) == 1);
  SSL_CTX_set_info_callback(context, &Connections::Begin);
}

void Connections::Begin(const SSL* ssl, int where, int) {
  if ((where & SSL_CB_HANDSHAKE_START) == 0) return;
  static_cast<Connections*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0))->Begin(ssl);
}

void Connections::Begin(const SSL* ssl) {
  const int fd = SSL_get_fd(ssl);
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto [at, fresh] = served_.try_emplace(std::this_thread::get_id());
  if (!fresh) return;
  Connection& connection = at->second;
  connection.fd = UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  connection.address = AddressOf(fd);
  BIO_set_callback_arg(SSL_get_rbio(ssl), reinterpret_cast<char*>(&connection));
  BIO_set_callback_ex(SSL_get_rbio(ssl), &Connections::CountRead);
}

long Connections::CountRead(BIO* bio,  // NOLINT(google-runtime-int): OpenSSL's
                            int operation, const char*, size_t, int,
                            long,  // NOLINT(google-runtime-int): OpenSSL's
                            int result, size_t* processed) {
  auto* connection = reinterpret_cast<Connection*>(BIO_get_callback_arg(bio));
  if (operation == BIO_CB_READ && connection->bytes_left == 0) {
    BIO_clear_retry_flags(bio);
    return 0;  // as if the peer had ended it
  }
  if (operation == (BIO_CB_READ | BIO_CB_RETURN) && result > 0) {
    connection->bytes_left -= std::min(connection->bytes_left, *processed);
  }
  return result;
}

void Connections::Accepted() {
  std::unique_lock<std::mutex> lock(mutex_);
  room_.wait(lock, [this] { return open_ < kOpenMax; });
  if (++open_ > kThreads) ShutForRoom();
}

void Connections::ShutForRoom() {
  std::map<std::string, size_t> count;
  for (const auto& [thread, each] : served_) {
    if (each.reading) ++count[each.address];
  }
  Connection* chosen = nullptr;
  for (auto& [thread, each] : served_) {
    if (!each.reading) continue;
    const size_t mine = count[each.address];
    const size_t most = chosen == nullptr ? 0 : count[chosen->address];
    if (mine > most || (mine == most && each.since < chosen->since)) chosen = &each;
  }
  if (chosen != nullptr) Shut(*chosen);
}

void Connections::Shut(Connection& connection) {
  connection.reading = false;
  shutdown(connection.fd.get(), SHUT_RDWR);
}

void Connections::ShutOlderThan(std::chrono::milliseconds wait) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const Clock::time_point now = Clock::now();
  for (auto& [thread, each] : served_) {
    if (each.reading && now - each.since >= wait) Shut(each);
  }
}

void Connections::HeadersRead() {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto at = served_.find(std::this_thread::get_id());
  SEALFOLD_CHECK(at != served_.end());
  at->second.bytes_left = SIZE_MAX;  // the body's length and the time are what bounds it now
}

void Connections::RequestRead() {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto at = served_.find(std::this_thread::get_id());
  SEALFOLD_CHECK(at != served_.end());
  at->second.reading = false;
}

void Connections::Done() {
  const std::lock_guard<std::mutex> lock(mutex_);
  served_.erase(std::this_thread::get_id());
  --open_;
  room_.notify_one();
}

}  // namespace sealfold
