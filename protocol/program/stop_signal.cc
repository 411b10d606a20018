#include "protocol/program/stop_signal.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <csignal>

#include "protocol/base/error.h"

namespace sealfold {

StopSignal::StopSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  SEALFOLD_CHECK(pthread_sigmask(SIG_BLOCK, &signals, nullptr) == 0);
  fd_ = signalfd(-1, &signals, SFD_CLOEXEC);
  SEALFOLD_CHECK(fd_ >= 0);
}

StopSignal::~StopSignal() { close(fd_); }

}  // namespace sealfold
