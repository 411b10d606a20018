#include "attest/software/server/caller.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <string>

#include "absl/strings/str_cat.h"
#include "attest/measure/program_file.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr size_t kCacheEntriesMax = 64;

}  // namespace

absl::StatusOr<Measurement> MeasurementCache::Measure(int fd) {
  struct stat file {};
  if (fstat(fd, &file) != 0) return MeasureOpenProgram(fd);  // whose error explains
  const Key key = {static_cast<int64_t>(file.st_dev),
                   static_cast<int64_t>(file.st_ino),
                   file.st_size,
                   file.st_mtim.tv_sec,
                   file.st_mtim.tv_nsec,
                   file.st_ctim.tv_sec,
                   file.st_ctim.tv_nsec};
  auto known = known_.find(key);
  if (known != known_.end()) return known->second;
  SEALFOLD_ASSIGN_OR_RETURN(Measurement measurement, MeasureOpenProgram(fd));
  if (known_.size() >= kCacheEntriesMax) known_.clear();
  known_.emplace(key, measurement);
  return measurement;
}

absl::StatusOr<Caller> Caller::Of(int socket_fd) {
  ucred credentials{};
  socklen_t size = sizeof(credentials);
  std::string problem;
  if (getsockopt(socket_fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) {
    problem = std::strerror(errno);
  } else if (credentials.pid <= 0) {
    problem = "a process outside this one's namespace";
  } else {
    std::string path = absl::StrCat("/proc/", credentials.pid);
    UniqueFd proc(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (proc.valid()) return Caller(credentials.pid, std::move(proc));
    problem = absl::StrCat(path, ": ", std::strerror(errno));
  }
  return Refused({.code = "caller_unknown",
                  .what = "caller of the attestation socket",
                  .expected = "a process that the kernel names",
                  .found = std::move(problem)});
}

absl::StatusOr<Measurement> Caller::Measure(MeasurementCache& cache) const {
  // Follows to the file that is executed, even if its path has been given to another one since.
  UniqueFd exe(openat(proc_.get(), "exe", O_RDONLY | O_CLOEXEC));
  if (!exe.valid()) {
    return Refused({.code = "caller_unmeasured",
                    .what = absl::StrCat("executable of the caller, process ", pid_),
                    .expected = "one that can be read",
                    .found = std::strerror(errno)});
  }
  return cache.Measure(exe.get());
}

}  // namespace sealfold
