// The broker over HTTPS.
#ifndef SEALFOLD_ATTEST_KEYBROKER_SERVER_SERVER_H_
#define SEALFOLD_ATTEST_KEYBROKER_SERVER_SERVER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "attest/keybroker/server/broker.h"

namespace sealfold {

struct KmsServerOptions {
  std::string host = {};              // address to listen on
  int port = 0;                       // 0: any
  std::string certificate_path = {};  // PEM, the chain after it
  std::string key_path = {};          // PEM
  std::function<uint64_t()> now_ms = {};
  std::function<void()> before_answer = {};  // called before each request is decided; may change
                                             // the broker
};

// POST / as AWS's SDKs send it: JSON 1.1, X-Amz-Target, SigV4; TLS 1.2 or later. One request at a
// time is decided, some are read at once (connections.h); a connection carries one.
class KmsServer {
 public:
  // InvalidArgument: "listen_failed", "certificate_unusable". `broker` outlives the server.
  static absl::StatusOr<std::unique_ptr<KmsServer>> Listen(Broker& broker,
                                                           KmsServerOptions options);
  virtual ~KmsServer() = default;
  virtual int port() const = 0;
  // Serves until `stop_fd` is readable. Unavailable ("listen_ended") where the system ends it
  // before.
  virtual absl::Status Run(int stop_fd) = 0;
};

// A key on P-256 and a certificate of its own for `hosts` (names or addresses, at least one) that
// is valid for ten years: PEM, for clients to pin. InvalidArgument, code "host_malformed", for what
// is neither.
struct SelfMadeCertificate {
  std::string certificate_pem;
  Secret key_pem;
};
absl::StatusOr<SelfMadeCertificate> MakeCertificate(const std::vector<std::string>& hosts,
                                                    uint64_t now_ms);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_SERVER_SERVER_H_
