#include "protocol/program/optional_file.h"

#include <sys/stat.h>

#include <cerrno>

#include "protocol/program/program.h"

namespace sealfold {

absl::StatusOr<std::optional<std::string>> ReadFileIfThere(const std::string& path,
                                                           size_t size_bytes_max) {
  struct stat info = {};
  if (stat(path.c_str(), &info) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return FileError("reading", path);
  }
  return ReadFile(path, size_bytes_max);
}

}  // namespace sealfold
