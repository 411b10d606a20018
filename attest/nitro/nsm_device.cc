// The kernel's side of /dev/nsm.
#include <fcntl.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/nitro/nsm.h"
#include "protocol/base/error.h"
#include "protocol/base/unique_fd.h"

namespace sealfold {
namespace {

// As linux/nsm.h has them, which Debian 12's kernel headers lack.
struct NsmBuffer {
  uint64_t address;
  uint64_t size;
};
struct NsmRaw {
  NsmBuffer request;
  NsmBuffer response;  // its size is set to what was written
};
constexpr unsigned long kNsmIoctlRaw = _IOWR(0x0A, 0x0, NsmRaw);  // NOLINT(google-runtime-int)

absl::Status Unreachable(const std::string& path, int error) {
  return PeerError({.code = error == EMSGSIZE ? "attester_input_too_large" : "attester_unreachable",
                    .what = absl::StrCat("Nitro Secure Module ", path),
                    .expected = "an answer",
                    .found = std::strerror(error),
                    .advice = "run inside a Nitro enclave, as root (CAP_SYS_ADMIN)"});
}

absl::StatusOr<Bytes> Exchange(const std::string& path, int fd, ByteSpan request) {
  Bytes response(kNsmResponseSizeMax);
  NsmRaw raw{.request = {reinterpret_cast<uintptr_t>(request.data()), request.size()},
             .response = {reinterpret_cast<uintptr_t>(response.data()), response.size()}};
  int result = -1;
  do {
    result = ioctl(fd, kNsmIoctlRaw, &raw);
  } while (result < 0 && errno == EINTR);
  if (result < 0) return Unreachable(path, errno);
  if (raw.response.size > response.size()) return Unreachable(path, EOVERFLOW);
  response.resize(raw.response.size);
  return response;
}

}  // namespace

absl::StatusOr<NsmExchange> OpenNsmDevice(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.valid()) return Unreachable(path, errno);
  return NsmExchange(
      [path, fd = std::move(fd)](ByteSpan request) { return Exchange(path, fd.get(), request); });
}

}  // namespace sealfold
