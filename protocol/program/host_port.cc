#include "protocol/program/host_port.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr int kPortMax = 65535;
constexpr size_t kShownMax = 80;

bool IsDecimal(absl::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), absl::ascii_isdigit);
}

}  // namespace

absl::StatusOr<HostPort> ParseHostPort(absl::string_view text, absl::string_view what,
                                       int port_min) {
  const size_t colon = text.rfind(':');
  absl::string_view host = text.substr(0, colon == absl::string_view::npos ? 0 : colon);
  const bool bracketed = absl::StartsWith(host, "[") && absl::EndsWith(host, "]");
  if (bracketed) host = host.substr(1, host.size() - 2);
  HostPort read{.host = std::string(host)};
  // Without brackets an address's last group would be taken for the port.
  if (!host.empty() && bracketed == absl::StrContains(host, ':') &&
      IsDecimal(text.substr(colon + 1)) && absl::SimpleAtoi(text.substr(colon + 1), &read.port) &&
      read.port >= port_min && read.port <= kPortMax) {
    return read;
  }
  return BadInput({.code = "endpoint_invalid",
                   .what = std::string(what),
                   .expected = absl::StrCat("HOST:PORT, as 127.0.0.1:8443 or [::1]:8443, the port ",
                                            port_min, " to ", kPortMax),
                   .found = absl::StrCat("'", text.substr(0, kShownMax), "'")});
}

}  // namespace sealfold
