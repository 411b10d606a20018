#include "attest/keyclient/connect.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/keyclient/transport/https_transport.h"
#include "protocol/base/error.h"
#include "protocol/program/host_port.h"
#include "protocol/program/program.h"
#include "protocol/program/wall_clock.h"

namespace sealfold {
namespace {

constexpr size_t kAccessKeySizeMax = 16 << 10;
constexpr int kHttpsPort = 443;

absl::StatusOr<AccessKey> ReadAccessKey(const std::string& path) {
  SEALFOLD_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kAccessKeySizeMax));
  absl::StatusOr<AccessKey> key = ParseAccessKey(AsBytes(text));
  Wipe(MutableByteSpan(reinterpret_cast<uint8_t*>(text.data()), text.size()));
  if (!key.ok()) return About(path, key.status());
  return key;
}

}  // namespace

absl::StatusOr<KeyClient> ConnectKeyService(const KeyServiceAddress& address, Attester& attester) {
  SEALFOLD_ASSIGN_OR_RETURN(const HostPort at,
                            ParseHostPort(address.endpoint, "address of the key service"));
  HttpsEndpoint endpoint{.host = at.host, .port = at.port, .ca_path = address.ca_path};
  // What an HTTP client puts into the header: the port only where it is not the usual one.
  const std::string host =
      endpoint.port == kHttpsPort
          ? address.endpoint.substr(0, address.endpoint.rfind(':'))
          : absl::StrCat(address.endpoint.substr(0, address.endpoint.rfind(':')), ":",
                         endpoint.port);
  KeyService service{.host = host, .region = address.region};
  SEALFOLD_ASSIGN_OR_RETURN(service.access_key, ReadAccessKey(address.access_key_path));
  SEALFOLD_ASSIGN_OR_RETURN(HttpPost post, MakeHttpsPost(std::move(endpoint)));
  return KeyClient(std::move(service), attester, std::move(post), WallMs);
}

}  // namespace sealfold
