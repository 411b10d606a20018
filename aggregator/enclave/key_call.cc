#include "aggregator/enclave/key_call.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr size_t kPartSize = 16 << 10;

}  // namespace

KeyCall::KeyCall(Question question) {
  int ends[2] = {-1, -1};
  SEALFOLD_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  own_ = UniqueFd(ends[0]);
  SEALFOLD_CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
  thread_ = std::thread([this, question = std::move(question), end = ends[1]]() mutable {
    sigset_t broken_pipe;
    sigemptyset(&broken_pipe);
    sigaddset(&broken_pipe, SIGPIPE);
    SEALFOLD_CHECK(pthread_sigmask(SIG_BLOCK, &broken_pipe, nullptr) == 0);
    // Closed by the question when it has its answer, or here: that end is what the owner sees.
    const int keep = fcntl(end, F_DUPFD_CLOEXEC, 0);
    SEALFOLD_CHECK(keep >= 0);
    const UniqueFd last(keep);
    answer_ = std::exchange(question, nullptr)(UniqueFd(end));
    done_ = true;
  });
}

KeyCall::~KeyCall() {
  if (!thread_.joinable()) return;
  Abandon();
  thread_.join();
}

void KeyCall::Abandon() { shutdown(own_.get(), SHUT_RDWR); }

KeyCall::Taken KeyCall::Take() {
  Taken taken{.for_service = Bytes(kPartSize)};
  const ssize_t size = read(own_.get(), taken.for_service.data(), taken.for_service.size());
  taken.for_service.resize(size > 0 ? static_cast<size_t>(size) : 0);
  if (size > 0 || (size < 0 && (errno == EAGAIN || errno == EINTR))) return taken;
  // The thread has dropped its end, the last thing it does.
  if (thread_.joinable()) thread_.join();
  taken.answer = std::exchange(answer_, std::nullopt);
  return taken;
}

void KeyCall::Give(ByteSpan from_service) {
  const ssize_t size =
      send(own_.get(), from_service.data(), from_service.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (size != static_cast<ssize_t>(from_service.size())) End();
}

void KeyCall::End() { shutdown(own_.get(), SHUT_WR); }

}  // namespace sealfold
