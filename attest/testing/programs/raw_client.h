// A client of sealfold-softnsm without manners: it sends what and when a test wants.
#ifndef SEALFOLD_ATTEST_TESTING_PROGRAMS_RAW_CLIENT_H_
#define SEALFOLD_ATTEST_TESTING_PROGRAMS_RAW_CLIENT_H_

#include <sys/socket.h>

#include <string>

#include "attest/nitro/nsm_message.h"
#include "attest/software/socket_address.h"
#include "protocol/base/error.h"
#include "protocol/base/unique_fd.h"

namespace sealfold {

inline UniqueFd RawConnect(const std::string& socket_path) {
  UniqueFd fd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  const sockaddr_un address = SocketAddress(socket_path).value();
  SEALFOLD_CHECK(fd.valid() && connect(fd.get(), reinterpret_cast<const sockaddr*>(&address),
                                       sizeof(address)) == 0);
  return fd;
}

inline void RawSend(int fd, ByteSpan packet) {
  SEALFOLD_CHECK(send(fd, packet.data(), packet.size(), MSG_NOSIGNAL) ==
                 static_cast<ssize_t>(packet.size()));
}

// Empty at the end of the connection.
inline Bytes RawReceive(int fd) {
  Bytes packet(kNsmResponseSizeMax + 1);
  const ssize_t size = recv(fd, packet.data(), packet.size(), 0);
  packet.resize(size > 0 ? static_cast<size_t>(size) : 0);
  return packet;
}

inline NsmResponse RawAsk(int fd, const NsmRequest& request) {
  RawSend(fd, EncodeNsmRequest(request));
  return ParseNsmResponse(RawReceive(fd)).value();
}

// "a document", "InvalidOperation", or "another response".
inline std::string Kind(const NsmResponse& response) {
  if (std::holds_alternative<NsmAttestationResponse>(response)) return "a document";
  const auto* error = std::get_if<NsmError>(&response);
  return error == nullptr ? "another response" : std::string(NsmErrorName(*error));
}

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TESTING_PROGRAMS_RAW_CLIENT_H_
