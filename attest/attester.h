// Asking the platform for evidence about this process.
#ifndef SEALFOLD_ATTEST_ATTESTER_H_
#define SEALFOLD_ATTEST_ATTESTER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"

namespace sealfold {

class Attester {
 public:
  virtual ~Attester() = default;  // for one thread at a time
  virtual absl::string_view platform() const = 0;
  // A fresh document that carries these three (each may be empty: left out). Blocks while the
  // device works. Unavailable if it cannot be reached or answers with an error.
  virtual absl::StatusOr<Bytes> Attest(ByteSpan nonce, ByteSpan user_data, ByteSpan public_key) = 0;
};

// The NSM's CBOR protocol over a Unix socket (SOCK_SEQPACKET, one request or response per packet),
// as sealfold-softnsm serves it.
absl::StatusOr<std::unique_ptr<Attester>> ConnectSoftwareAttester(const std::string& socket_path);

// The platform "aws-nitro": the Nitro Secure Module of the enclave that this process is in, usually
// /dev/nsm (see attest/nitro/nsm.h for its errors).
absl::StatusOr<std::unique_ptr<Attester>> OpenNsmAttester(const std::string& device_path);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_ATTESTER_H_
