// KeyClient's transport where somebody else has the sockets: TLS and HTTP over a byte stream that
// an untrusted party relays.
//
// What a key service answers is sealed to the asker, but not signed, so who relays it could answer
// in its place: TLS must end with the asker, under certificates that the asker was built with.
#ifndef SEALFOLD_ATTEST_KEYCLIENT_TRANSPORT_TLS_POST_H_
#define SEALFOLD_ATTEST_KEYCLIENT_TRANSPORT_TLS_POST_H_

#include <string>

#include "attest/keyclient/key_client.h"
#include "protocol/base/unique_fd.h"

namespace sealfold {

struct TlsService {
  std::string host = {};    // name or address; the server's certificate must be for it
  std::string ca_pem = {};  // the only certificates trusted to lead to the server's
};

// InvalidArgument: "ca_malformed", unless `ca_pem` is certificates, at least one;
// "key_service_name", for a name that none can have.
absl::Status CheckTlsService(const TlsService& service);

// One request over the stream socket `fd`, TLS 1.2 or later; a second one gives Unavailable, as all
// failures do: code "key_service_unreachable" or "http_reply_malformed". Requires: CheckTlsService
// passes; the calling thread has SIGPIPE blocked or ignored.
HttpPost MakeTlsPost(TlsService service, UniqueFd fd);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYCLIENT_TRANSPORT_TLS_POST_H_
