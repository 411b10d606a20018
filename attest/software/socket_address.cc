#include "attest/software/socket_address.h"

#include <sys/socket.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {

absl::StatusOr<sockaddr_un> SocketAddress(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    return BadInput(
        {.code = "socket_path_length",
         .what = absl::StrCat("socket path '", path, "'"),
         .expected = absl::StrCat("1 to ", sizeof(address.sun_path) - 1, " bytes"),
         .found = absl::StrCat(path.size(), " bytes"),
         .advice = "use a shorter path, e.g. under /tmp or relative to the working directory"});
  }
  std::copy(path.begin(), path.end(), address.sun_path);
  return address;
}

}  // namespace sealfold
