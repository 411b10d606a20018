// KeyClient's transport by HTTPS.
#ifndef SEALFOLD_ATTEST_KEYCLIENT_TRANSPORT_HTTPS_TRANSPORT_H_
#define SEALFOLD_ATTEST_KEYCLIENT_TRANSPORT_HTTPS_TRANSPORT_H_

#include <string>

#include "attest/keyclient/key_client.h"

namespace sealfold {

struct HttpsEndpoint {
  std::string host = {};  // name or address; the server's certificate must be for it
  int port = 443;
  std::string ca_path = {};  // PEM: the only certificates trusted to lead to the server's
};

// A connection for each request, TLS 1.2 or later. Its calls give Unavailable, code
// "key_service_unreachable". InvalidArgument, code "ca_malformed", for a `ca_path` without
// certificates, or "file_unusable".
absl::StatusOr<HttpPost> MakeHttpsPost(HttpsEndpoint endpoint);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYCLIENT_TRANSPORT_HTTPS_TRANSPORT_H_
