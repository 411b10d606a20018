// The address of a Unix socket by its path.
#ifndef SEALFOLD_ATTEST_SOFTWARE_SOCKET_ADDRESS_H_
#define SEALFOLD_ATTEST_SOFTWARE_SOCKET_ADDRESS_H_

#include <sys/un.h>

#include <string>

#include "absl/status/statusor.h"

namespace sealfold {

// InvalidArgument, code "socket_path_length", for a path that the system's 108 bytes do not hold.
absl::StatusOr<sockaddr_un> SocketAddress(const std::string& path);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_SOFTWARE_SOCKET_ADDRESS_H_
