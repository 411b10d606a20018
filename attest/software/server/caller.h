// Who is at the other end of a Unix socket and which program it runs, as the kernel tells it.
#ifndef SEALFOLD_ATTEST_SOFTWARE_SERVER_CALLER_H_
#define SEALFOLD_ATTEST_SOFTWARE_SERVER_CALLER_H_

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <map>

#include "absl/status/statusor.h"
#include "protocol/base/types.h"
#include "protocol/base/unique_fd.h"

namespace sealfold {

// Measurements of files by device, inode, size and times, so that an unchanged file is read once.
// Bounded.
class MeasurementCache {
 public:
  // Requires: `fd` is open for reading. Errors as MeasureOpenProgram's.
  absl::StatusOr<Measurement> Measure(int fd);

 private:
  using Key = std::array<int64_t, 7>;
  std::map<Key, Measurement> known_;
};

// A process. Moves, does not copy.
class Caller {
 public:
  // The process that connected `socket_fd` (SO_PEERCRED). PermissionDenied, code "caller_unknown",
  // if the kernel does not tell or it has gone.
  static absl::StatusOr<Caller> Of(int socket_fd);

  pid_t pid() const { return pid_; }

  // Of the executable it runs now. The process is held by its directory in /proc, so a later
  // process with the same id is never taken for it. PermissionDenied, code "caller_unmeasured", if
  // it has gone or may not be looked at (another user's, or one that made itself undumpable).
  absl::StatusOr<Measurement> Measure(MeasurementCache& cache) const;

 private:
  Caller(pid_t pid, UniqueFd proc) : pid_(pid), proc_(std::move(proc)) {}
  pid_t pid_;
  UniqueFd proc_;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_SOFTWARE_SERVER_CALLER_H_
