#include "tests/bench/kit/kernel_hops.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <thread>
#include <utility>
#include <vector>

#include "aggregator/core/memory/pages.h"
#include "protocol/base/bytes.h"
#include "protocol/base/error.h"
#include "protocol/base/unique_fd.h"

namespace sealfold::bench {
namespace {

constexpr size_t kPieceBytes = 64 << 10;
constexpr size_t kPageBytes = 4096;

double ProcessCpuSeconds() {
  timespec now{};
  SEALFOLD_CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

UniqueFd Owned(int fd) {
  SEALFOLD_CHECK(fd >= 0);
  return UniqueFd(fd);
}

void WriteAll(const UniqueFd& socket, ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(socket.get(), bytes.data(), bytes.size());
    SEALFOLD_CHECK(n > 0);
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

// 0 at the end.
size_t Read(const UniqueFd& socket, MutableByteSpan bytes) {
  const ssize_t n = read(socket.get(), bytes.data(), bytes.size());
  SEALFOLD_CHECK(n >= 0);
  return static_cast<size_t>(n);
}

class Listener {
 public:
  Listener() : socket_(Owned(::socket(AF_INET, SOCK_STREAM, 0))) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address_);
    auto* const address = reinterpret_cast<sockaddr*>(&address_);
    SEALFOLD_CHECK(bind(socket_.get(), address, size) == 0);
    SEALFOLD_CHECK(listen(socket_.get(), SOMAXCONN) == 0);
    SEALFOLD_CHECK(getsockname(socket_.get(), address, &size) == 0);
  }
  UniqueFd Accept() const { return Owned(accept(socket_.get(), nullptr, nullptr)); }
  UniqueFd Connect() const {
    UniqueFd out = Owned(::socket(AF_INET, SOCK_STREAM, 0));
    const auto* const address = reinterpret_cast<const sockaddr*>(&address_);
    SEALFOLD_CHECK(connect(out.get(), address, sizeof(address_)) == 0);
    return out;
  }

 private:
  UniqueFd socket_;
  sockaddr_in address_{};
};

// Until all of `from` are at their end.
void Relay(const std::vector<UniqueFd>& from, const UniqueFd& to) {
  Bytes piece(kPieceBytes);
  std::vector<pollfd> polled;
  polled.reserve(from.size());
  for (const UniqueFd& socket : from)
    polled.push_back({.fd = socket.get(), .events = POLLIN, .revents = 0});
  for (size_t open = from.size(); open > 0;) {
    SEALFOLD_CHECK(poll(polled.data(), polled.size(), -1) > 0);
    for (size_t i = 0; i < from.size(); ++i) {
      if (polled[i].revents == 0) continue;
      const size_t n = Read(from[i], absl::MakeSpan(piece));
      WriteAll(to, ByteSpan(piece).first(n));
      if (n > 0) continue;
      polled[i].fd = -1;  // poll leaves it out
      --open;
    }
  }
}

}  // namespace

double TwoHopsCpuSeconds(uint64_t senders, uint64_t bytes_each) {
  const Listener listener;
  std::vector<UniqueFd> sending;
  std::vector<UniqueFd> relayed;
  for (uint64_t i = 0; i < senders; ++i) {
    sending.push_back(listener.Connect());
    relayed.push_back(listener.Accept());
  }
  int pair[2];
  SEALFOLD_CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
  const UniqueFd out(pair[0]);
  const UniqueFd in(pair[1]);

  const double start = ProcessCpuSeconds();
  std::vector<std::thread> threads;
  for (UniqueFd& socket : sending) {
    threads.emplace_back([bytes_each, mine = std::move(socket)] {
      const Bytes piece(kPieceBytes);
      for (uint64_t left = bytes_each; left > 0;) {
        const uint64_t n = std::min<uint64_t>(left, kPieceBytes);
        WriteAll(mine, ByteSpan(piece).first(n));
        left -= n;
      }
    });
  }
  threads.emplace_back([&relayed, &out] { Relay(relayed, out); });
  Bytes piece(kPieceBytes);
  for (uint64_t left = senders * bytes_each; left > 0;) {
    const size_t n = Read(in, absl::MakeSpan(piece));
    SEALFOLD_CHECK(n > 0);
    left -= n;
  }
  for (std::thread& thread : threads) thread.join();
  return ProcessCpuSeconds() - start;
}

double NewMemoryCpuSeconds(uint64_t size_bytes) {
  const double start = ProcessCpuSeconds();
  absl::StatusOr<Pages> pages = Pages::Map(size_bytes, Pages::Use::kSealed);
  SEALFOLD_CHECK(pages.ok());
  const MutableByteSpan bytes = pages->Write();
  for (uint64_t at = 0; at < size_bytes; at += kPageBytes) bytes[at] = 1;
  return ProcessCpuSeconds() - start;
}

}  // namespace sealfold::bench
