// Where on a network something is, as command lines say it.
#ifndef SEALFOLD_PROTOCOL_PROGRAM_HOST_PORT_H_
#define SEALFOLD_PROTOCOL_PROGRAM_HOST_PORT_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealfold {

struct HostPort {
  std::string host = {};  // a name or an address, without brackets
  int port = 0;
};

// "HOST:PORT", the port in decimal from `port_min` to 65535; an IPv6 address in brackets.
// InvalidArgument, code "endpoint_invalid", about `what`.
absl::StatusOr<HostPort> ParseHostPort(absl::string_view text, absl::string_view what,
                                       int port_min = 1);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_PROGRAM_HOST_PORT_H_
