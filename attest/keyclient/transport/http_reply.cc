#include "attest/keyclient/transport/http_reply.h"

#include <algorithm>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr absl::string_view kLineEnd = "\r\n";
constexpr absl::string_view kHeadEnd = "\r\n\r\n";

absl::Status Malformed(std::string expected, absl::string_view found) {
  return PeerError({.code = "http_reply_malformed",
                    .what = "the key service's HTTP reply",
                    .expected = std::move(expected),
                    .found = std::string(found.substr(0, 80))});
}

bool AllDigits(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(),
                                      [](unsigned char c) { return absl::ascii_isdigit(c); });
}

// "HTTP/1.1 200 OK"
absl::StatusOr<int> ParseStatus(absl::string_view line) {
  absl::string_view rest = line;
  int status = 0;
  if (!absl::ConsumePrefix(&rest, "HTTP/1.1 ") || !AllDigits(rest.substr(0, 3)) ||
      (rest.size() > 3 && rest[3] != ' ') || !absl::SimpleAtoi(rest.substr(0, 3), &status) ||
      status < 200) {
    return Malformed("HTTP/1.1 and a final status", line);
  }
  return status;
}

}  // namespace

absl::StatusOr<std::optional<HttpReply>> ParseHttpReply(absl::string_view bytes) {
  const size_t head_end = bytes.find(kHeadEnd);
  if (head_end == absl::string_view::npos) {
    if (bytes.size() < kHttpReplySizeMax) return std::nullopt;
    return Malformed("the end of its head", "none");
  }
  absl::string_view head = bytes.substr(0, head_end + kLineEnd.size());
  const size_t first = head.find(kLineEnd);
  HttpReply reply;
  SEALFOLD_ASSIGN_OR_RETURN(reply.status, ParseStatus(head.substr(0, first)));
  std::optional<size_t> length;
  for (head.remove_prefix(first + kLineEnd.size()); !head.empty();) {
    const size_t end = head.find(kLineEnd);
    const absl::string_view line = head.substr(0, end);
    head.remove_prefix(end + kLineEnd.size());
    const size_t colon = line.find(':');
    if (colon == absl::string_view::npos || colon == 0) return Malformed("NAME: VALUE", line);
    const absl::string_view name = line.substr(0, colon);
    const absl::string_view value = absl::StripAsciiWhitespace(line.substr(colon + 1));
    if (absl::EqualsIgnoreCase(name, "transfer-encoding")) {
      return Malformed("no Transfer-Encoding", value);
    }
    if (!absl::EqualsIgnoreCase(name, "content-length")) continue;
    size_t number = 0;
    if (length.has_value() || !AllDigits(value) || !absl::SimpleAtoi(value, &number)) {
      return Malformed("one Content-Length, a number", line);
    }
    length = number;
  }
  if (!length.has_value()) return Malformed("a Content-Length", "none");
  const size_t body_at = head_end + kHeadEnd.size();
  if (body_at + std::min(*length, kHttpReplySizeMax) >= kHttpReplySizeMax) {
    return Malformed(absl::StrCat("less than ", kHttpReplySizeMax, " bytes"),
                     absl::StrCat(*length));
  }
  if (bytes.size() < body_at + *length) return std::nullopt;
  reply.body = std::string(bytes.substr(body_at, *length));
  return reply;
}

}  // namespace sealfold
