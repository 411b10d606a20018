#include "aggregator/host/keys/name_lookup.h"

#include <netdb.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/unique_fd.h"

namespace sealfold {

std::vector<SocketAddress> ResolveName(const HostPort& at) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(at.host.c_str(), absl::StrCat(at.port).c_str(), &hints, &found) != 0) return {};
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  std::vector<SocketAddress> out;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    const auto* const bytes = reinterpret_cast<const uint8_t*>(each->ai_addr);
    out.emplace_back(bytes, bytes + each->ai_addrlen);
  }
  return out;
}

struct NameLookup::Shared {
  UniqueFd ready{eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  std::mutex mutex;
  std::optional<std::vector<SocketAddress>> found;
};

std::optional<NameLookup> NameLookup::Start(HostPort at, Resolver resolver) {
  auto shared = std::make_shared<Shared>();
  if (!shared->ready.valid()) return std::nullopt;
  try {
    std::thread([shared, at = std::move(at), resolver = std::move(resolver)] {
      std::vector<SocketAddress> found = resolver(at);
      const std::lock_guard<std::mutex> lock(shared->mutex);
      shared->found = std::move(found);
      (void)eventfd_write(shared->ready.get(), 1);
    }).detach();
  } catch (const std::system_error&) {
    return std::nullopt;
  }
  return NameLookup(std::move(shared));
}

int NameLookup::fd() const { return shared_->ready.get(); }

std::optional<std::vector<SocketAddress>> NameLookup::Take() {
  const std::lock_guard<std::mutex> lock(shared_->mutex);
  return std::exchange(shared_->found, std::nullopt);
}

}  // namespace sealfold
