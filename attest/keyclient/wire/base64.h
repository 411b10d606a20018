// Base64 (RFC 4648, section 4) as KMS's JSON has binary members.
#ifndef SEALFOLD_ATTEST_KEYCLIENT_WIRE_BASE64_H_
#define SEALFOLD_ATTEST_KEYCLIENT_WIRE_BASE64_H_

#include <string>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"

namespace sealfold {

std::string Base64Encode(ByteSpan bytes);
// Exactly what Base64Encode gives for some bytes: padded, without spaces. InvalidArgument, code
// "base64_malformed"; `what` names the thing for the error.
absl::StatusOr<Bytes> Base64Decode(absl::string_view what, absl::string_view text);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYCLIENT_WIRE_BASE64_H_
