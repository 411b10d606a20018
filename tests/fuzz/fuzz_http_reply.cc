// A key service's HTTP replies: bounded, and what is whole does not change by what follows it.
#include <cstddef>
#include <cstdint>
#include <string>

#include "attest/keyclient/transport/http_reply.h"
#include "protocol/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  const std::string text(AsText(ByteSpan(data, size)));
  const absl::StatusOr<std::optional<HttpReply>> reply = ParseHttpReply(text);
  if (!reply.ok() || !reply->has_value()) return 0;
  SEALFOLD_CHECK((*reply)->body.size() < kHttpReplySizeMax && (*reply)->status >= 200);
  const absl::StatusOr<std::optional<HttpReply>> again = ParseHttpReply(text + "more");
  SEALFOLD_CHECK(again.ok() && again->has_value() && (*again)->body == (*reply)->body);
  return 0;
}
