#include "attest/keyclient/connect.h"

#include <chrono>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "attest/keyclient/https_transport.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"

namespace sealfold {
namespace {

constexpr size_t kAccessKeySizeMax = 16 << 10;
constexpr int kHttpsPort = 443;

uint64_t NowMs() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count());
}

absl::StatusOr<HttpsEndpoint> ParseEndpoint(const std::string& text) {
  const size_t colon = text.rfind(':');
  HttpsEndpoint endpoint{.host = text.substr(0, colon)};
  if (colon == std::string::npos || colon == 0 ||
      !absl::SimpleAtoi(text.substr(colon + 1), &endpoint.port) || endpoint.port < 1 ||
      endpoint.port > 65535) {
    return BadInput({.code = "endpoint_invalid",
                     .what = "address of the key service",
                     .expected = "HOST:PORT, as 127.0.0.1:8443",
                     .found = text});
  }
  if (endpoint.host.size() > 2 && endpoint.host.front() == '[' && endpoint.host.back() == ']') {
    endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
  }
  return endpoint;
}

absl::StatusOr<AccessKey> ReadAccessKey(const std::string& path) {
  SEALFOLD_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kAccessKeySizeMax));
  absl::StatusOr<AccessKey> key = ParseAccessKey(AsBytes(text));
  Wipe(MutableByteSpan(reinterpret_cast<uint8_t*>(text.data()), text.size()));
  if (!key.ok()) return About(path, key.status());
  return key;
}

}  // namespace

absl::StatusOr<KeyClient> ConnectKeyService(const KeyServiceAddress& address, Attester& attester) {
  SEALFOLD_ASSIGN_OR_RETURN(HttpsEndpoint endpoint, ParseEndpoint(address.endpoint));
  endpoint.ca_path = address.ca_path;
  // What an HTTP client puts into the header: the port only where it is not the usual one.
  const std::string host =
      endpoint.port == kHttpsPort
          ? address.endpoint.substr(0, address.endpoint.rfind(':'))
          : absl::StrCat(address.endpoint.substr(0, address.endpoint.rfind(':')), ":",
                         endpoint.port);
  KeyService service{.host = host, .region = address.region};
  SEALFOLD_ASSIGN_OR_RETURN(service.access_key, ReadAccessKey(address.access_key_path));
  SEALFOLD_ASSIGN_OR_RETURN(HttpPost post, MakeHttpsPost(std::move(endpoint)));
  return KeyClient(std::move(service), attester, std::move(post), NowMs);
}

}  // namespace sealfold
