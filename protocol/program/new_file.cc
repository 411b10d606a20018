#include "protocol/program/new_file.h"

#include <fcntl.h>
#include <unistd.h>

namespace sealfold {

int OpenNewFile(const std::string& path, mode_t mode) {
  unlink(path.c_str());
  return open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
}

}  // namespace sealfold
