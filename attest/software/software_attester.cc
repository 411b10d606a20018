// The client of sealfold-softnsm.
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/attester.h"
#include "attest/nitro/nsm_message.h"
#include "attest/software/socket_address.h"
#include "attest/software/software_verifier.h"
#include "protocol/base/error.h"
#include "protocol/base/unique_fd.h"

namespace sealfold {
namespace {

constexpr time_t kAnswerWait_s = 30;

absl::Status Unavailable(absl::string_view code, const std::string& path, std::string found) {
  return PeerError({.code = absl::StrCat("attester_", code),
                    .what = absl::StrCat("sealfold-softnsm at ", path),
                    .expected = "an answer",
                    .found = std::move(found),
                    .advice = "see that 'sealfold-softnsm serve' runs and serves this socket"});
}

std::optional<Bytes> UnlessEmpty(ByteSpan bytes) {
  if (bytes.empty()) return std::nullopt;
  return ToBytes(bytes);
}

class SoftwareAttester final : public Attester {
 public:
  explicit SoftwareAttester(std::string path) : path_(std::move(path)) {}

  absl::string_view platform() const override { return kSoftwarePlatform; }

  absl::StatusOr<Bytes> Attest(ByteSpan nonce, ByteSpan user_data, ByteSpan public_key) override {
    NsmAttestationRequest request{.user_data = UnlessEmpty(user_data),
                                  .nonce = UnlessEmpty(nonce),
                                  .public_key = UnlessEmpty(public_key)};
    const bool fresh = !connection_.valid();
    if (fresh) SEALFOLD_RETURN_IF_ERROR(Connect());
    absl::StatusOr<NsmResponse> response = Ask(request);
    // A connection kept from before may have died with a softnsm that is back since.
    if (!response.ok() && !fresh) {
      SEALFOLD_RETURN_IF_ERROR(Connect());
      response = Ask(request);
    }
    SEALFOLD_RETURN_IF_ERROR(response.status());
    if (auto* attestation = std::get_if<NsmAttestationResponse>(&*response)) {
      return std::move(attestation->document);
    }
    return Unexpected(*response);
  }

  // Connects and waits for a first answer: only then does the softnsm take requests for documents.
  absl::Status Connect() {
    SEALFOLD_ASSIGN_OR_RETURN(sockaddr_un address, SocketAddress(path_));
    connection_ = UniqueFd(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    const timeval wait{.tv_sec = kAnswerWait_s, .tv_usec = 0};
    if (!connection_.valid() ||
        setsockopt(connection_.get(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait)) != 0 ||
        setsockopt(connection_.get(), SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait)) != 0 ||
        connect(connection_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) !=
            0) {
      return Lost("unreachable", std::strerror(errno));
    }
    SEALFOLD_ASSIGN_OR_RETURN(NsmResponse response, Ask(NsmDescribeRequest{}));
    if (!std::holds_alternative<NsmDescribeResponse>(response)) return Unexpected(response);
    return absl::OkStatus();
  }

 private:
  absl::StatusOr<NsmResponse> Ask(const NsmRequest& request) {
    Bytes bytes = EncodeNsmRequest(request);
    if (send(connection_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) {
      return Lost("unreachable", std::strerror(errno));
    }
    Bytes answer(kNsmResponseSizeMax + 1);
    ssize_t size = -1;
    do {
      size = recv(connection_.get(), answer.data(), answer.size(), 0);
    } while (size < 0 && errno == EINTR);
    if (size < 0) return Lost("unreachable", std::strerror(errno));
    if (size == 0) return Lost("unreachable", "the end of the connection");
    answer.resize(static_cast<size_t>(size));
    absl::StatusOr<NsmResponse> response = ParseNsmResponse(answer);
    if (!response.ok()) return Lost("malformed", Explain(response.status()).found);
    return response;
  }

  // What comes later on this connection could answer the request that failed: it is not used again.
  absl::Status Lost(absl::string_view code, std::string found) {
    connection_ = UniqueFd();
    return Unavailable(code, path_, std::move(found));
  }

  absl::Status Unexpected(const NsmResponse& response) const {
    const auto* error = std::get_if<NsmError>(&response);
    return Unavailable("refused", path_,
                       error == nullptr ? "an answer to another request"
                                        : absl::StrCat("error ", NsmErrorName(*error)));
  }

  std::string path_;
  UniqueFd connection_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Attester>> ConnectSoftwareAttester(const std::string& socket_path) {
  auto attester = std::make_unique<SoftwareAttester>(socket_path);
  SEALFOLD_RETURN_IF_ERROR(attester->Connect());
  return absl::StatusOr<std::unique_ptr<Attester>>(std::move(attester));
}

}  // namespace sealfold
