#include "protocol/program/file_lock.h"

#include <sys/file.h>

#include <cerrno>

namespace sealfold {

bool WaitForLock(int fd) {
  while (flock(fd, LOCK_EX) != 0) {
    if (errno != EINTR) return false;
  }
  return true;
}

}  // namespace sealfold
