// AWS Signature Version 4 of one HTTP request: what a caller's secret access key signs.
//
// Only what JSON APIs use: POST to a path, no query, one value for each header, the body's digest.
#ifndef SEALFOLD_ATTEST_KEYCLIENT_WIRE_SIGV4_H_
#define SEALFOLD_ATTEST_KEYCLIENT_WIRE_SIGV4_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "protocol/base/secret.h"

namespace sealfold {

inline constexpr absl::string_view kSigV4Algorithm = "AWS4-HMAC-SHA256";

// A request as it is signed. Header names are in lower case.
struct SignedRequest {
  std::string method = "POST";
  std::string path = "/";  // of unreserved characters (RFC 3986) and '/'
  std::map<std::string, std::string> headers = {};
  ByteSpan body = {};
};

// "DATE/REGION/SERVICE/aws4_request": what a signature is good for.
struct SigV4Scope {
  std::string date = {};  // YYYYMMDD
  std::string region = {};
  std::string service = {};
  std::string Text() const;
};

// The signature in hex over `signed_headers` (sorted; each is in the request's headers, among them
// "host" and "x-amz-date", which begins with the scope's date). Requires all that.
std::string SigV4Signature(const SignedRequest& request, const SigV4Scope& scope,
                           absl::Span<const std::string> signed_headers, ByteSpan secret_key);

// The Authorization header for `request`, over all of its headers.
std::string SigV4Authorization(const SignedRequest& request, const SigV4Scope& scope,
                               absl::string_view access_key_id, ByteSpan secret_key);

// What an Authorization header says; nothing is checked but its form.
struct SigV4Credential {
  std::string access_key_id = {};
  SigV4Scope scope = {};
  std::vector<std::string> signed_headers = {};
  std::string signature = {};  // 64 hex digits
};
// InvalidArgument, code "authorization_malformed".
absl::StatusOr<SigV4Credential> ParseSigV4Authorization(absl::string_view header);

// "20150830T123600Z" of a time since 1970, UTC, and back. InvalidArgument, code "date_malformed".
std::string SigV4Time(uint64_t now_ms);
absl::StatusOr<uint64_t> ParseSigV4Time(absl::string_view text);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYCLIENT_WIRE_SIGV4_H_
