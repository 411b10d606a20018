// What is said to the Nitro Secure Module and what it answers: CBOR of the NSM API's two enums, as
// serde writes them. A variant without fields is its name ("DescribeNSM"), one with fields a map of
// one entry ({"DescribePCR": {"index": 0}}), an error {"Error": "InvalidArgument"}. Read by name,
// in any encoding that CBOR allows; unknown fields are refused.
#ifndef SEALFOLD_ATTEST_NITRO_NSM_MESSAGE_H_
#define SEALFOLD_ATTEST_NITRO_NSM_MESSAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"

namespace sealfold {

inline constexpr size_t kNsmRequestSizeMax = 0x1000;
inline constexpr size_t kNsmResponseSizeMax = 0x3000;

struct NsmAttestationRequest {
  std::optional<Bytes> user_data = {};
  std::optional<Bytes> nonce = {};
  std::optional<Bytes> public_key = {};
};
struct NsmDescribePcrRequest {
  uint16_t index = 0;
};
struct NsmExtendPcrRequest {
  uint16_t index = 0;
  Bytes data = {};
};
struct NsmLockPcrRequest {
  uint16_t index = 0;
};
struct NsmLockPcrsRequest {
  uint16_t range = 0;  // registers 0 to range - 1
};
struct NsmDescribeRequest {};
struct NsmRandomRequest {};
using NsmRequest =
    std::variant<NsmAttestationRequest, NsmDescribePcrRequest, NsmExtendPcrRequest,
                 NsmLockPcrRequest, NsmLockPcrsRequest, NsmDescribeRequest, NsmRandomRequest>;

Bytes EncodeNsmRequest(const NsmRequest& request);
// InvalidArgument, code "nsm_request_malformed" or "cbor_*".
absl::StatusOr<NsmRequest> ParseNsmRequest(ByteSpan bytes);

// The NSM API's error codes, by their names.
enum class NsmError {
  kSuccess,
  kInvalidArgument,
  kInvalidIndex,
  kInvalidResponse,
  kReadOnlyIndex,
  kInvalidOperation,
  kBufferTooSmall,
  kInputTooLarge,
  kInternalError,
};
absl::string_view NsmErrorName(NsmError error);

struct NsmAttestationResponse {
  Bytes document = {};
};
struct NsmDescribePcrResponse {
  bool lock = false;
  Bytes data = {};
};
struct NsmExtendPcrResponse {
  Bytes data = {};  // the register's new value
};
struct NsmLockPcrResponse {};
struct NsmLockPcrsResponse {};
struct NsmDescribeResponse {
  uint16_t version_major = 0;
  uint16_t version_minor = 0;
  uint16_t version_patch = 0;
  std::string module_id = {};
  uint16_t max_pcrs = 0;
  std::vector<uint16_t> locked_pcrs = {};
  std::string digest = {};
};
struct NsmRandomResponse {
  Bytes random = {};
};
using NsmResponse = std::variant<NsmAttestationResponse, NsmDescribePcrResponse,
                                 NsmExtendPcrResponse, NsmLockPcrResponse, NsmLockPcrsResponse,
                                 NsmDescribeResponse, NsmRandomResponse, NsmError>;

Bytes EncodeNsmResponse(const NsmResponse& response);
// InvalidArgument, code "nsm_response_malformed" or "cbor_*".
absl::StatusOr<NsmResponse> ParseNsmResponse(ByteSpan bytes);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_NITRO_NSM_MESSAGE_H_
