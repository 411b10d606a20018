// HTTP/1.1 replies, as far as a key service sends them.
#ifndef SEALFOLD_ATTEST_KEYCLIENT_TRANSPORT_HTTP_REPLY_H_
#define SEALFOLD_ATTEST_KEYCLIENT_TRANSPORT_HTTP_REPLY_H_

#include <optional>

#include "absl/status/statusor.h"
#include "attest/keyclient/key_client.h"

namespace sealfold {

inline constexpr size_t kHttpReplySizeMax = 128 << 10;

// The reply that `bytes` begin with; nullopt while more may complete it. Only what has one reading:
// a Content-Length, once, and no Transfer-Encoding. Unavailable, code "http_reply_malformed", also
// for one that would be longer than kHttpReplySizeMax.
absl::StatusOr<std::optional<HttpReply>> ParseHttpReply(absl::string_view bytes);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYCLIENT_TRANSPORT_HTTP_REPLY_H_
