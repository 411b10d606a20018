#include "attest/keyclient/wire/sigv4.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cctype>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "protocol/crypto/hash.h"
#include "protocol/text/time.h"

namespace sealfold {
namespace {

constexpr absl::string_view kTerminator = "aws4_request";
constexpr size_t kAuthorizationSizeMax = 2048;
constexpr size_t kSignedHeadersMax = 32;

Secret Hmac(ByteSpan key, absl::string_view message) {
  Secret out(Digest::kSize);
  unsigned int size = 0;
  SEALFOLD_CHECK(::HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                        AsBytes(message).data(), message.size(), out.mutable_span().data(),
                        &size) != nullptr &&
                 size == Digest::kSize);
  return out;
}

// A header's value without spaces around it and with runs of them as one.
std::string Trimmed(absl::string_view value) {
  return absl::StrJoin(absl::StrSplit(value, absl::ByAnyChar(" \t"), absl::SkipEmpty()), " ");
}

std::string CanonicalRequest(const SignedRequest& request,
                             absl::Span<const std::string> signed_headers) {
  std::string out = absl::StrCat(request.method, "\n", request.path, "\n\n");
  for (const std::string& name : signed_headers) {
    absl::StrAppend(&out, name, ":", Trimmed(request.headers.at(name)), "\n");
  }
  absl::StrAppend(&out, "\n", absl::StrJoin(signed_headers, ";"), "\n", Sha256(request.body).hex());
  return out;
}

absl::Status Malformed(absl::string_view found) {
  return BadInput({.code = "authorization_malformed",
                   .what = "header Authorization",
                   .expected = "AWS Signature Version 4",
                   .found = std::string(found)});
}

// `text` after `prefix`; nullopt if it does not begin so.
bool Value(absl::string_view text, absl::string_view prefix, absl::string_view& value) {
  value = absl::StripAsciiWhitespace(text);
  return absl::ConsumePrefix(&value, prefix);
}

bool IsHexOf(absl::string_view text, size_t digits) {
  return text.size() == digits && std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return absl::ascii_isdigit(c) || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

std::string SigV4Scope::Text() const {
  return absl::StrCat(date, "/", region, "/", service, "/", kTerminator);
}

std::string SigV4Signature(const SignedRequest& request, const SigV4Scope& scope,
                           absl::Span<const std::string> signed_headers, ByteSpan secret_key) {
  const std::string to_sign =
      absl::StrCat(kSigV4Algorithm, "\n", request.headers.at("x-amz-date"), "\n", scope.Text(),
                   "\n", Sha256(AsBytes(CanonicalRequest(request, signed_headers))).hex());
  constexpr absl::string_view kPrefix = "AWS4";
  Secret first(kPrefix.size() + secret_key.size());
  std::copy(kPrefix.begin(), kPrefix.end(), first.mutable_span().begin());
  std::copy(secret_key.begin(), secret_key.end(), first.mutable_span().begin() + kPrefix.size());
  const Secret date = Hmac(first.span(), scope.date);
  const Secret region = Hmac(date.span(), scope.region);
  const Secret service = Hmac(region.span(), scope.service);
  const Secret key = Hmac(service.span(), kTerminator);
  return HexEncode(Hmac(key.span(), to_sign).span());
}

std::string SigV4Authorization(const SignedRequest& request, const SigV4Scope& scope,
                               absl::string_view access_key_id, ByteSpan secret_key) {
  std::vector<std::string> names;
  for (const auto& [name, value] : request.headers) names.push_back(name);  // sorted by the map
  return absl::StrCat(kSigV4Algorithm, " Credential=", access_key_id, "/", scope.Text(),
                      ", SignedHeaders=", absl::StrJoin(names, ";"),
                      ", Signature=", SigV4Signature(request, scope, names, secret_key));
}

absl::StatusOr<SigV4Credential> ParseSigV4Authorization(absl::string_view header) {
  if (header.size() > kAuthorizationSizeMax) return Malformed("a longer text");
  if (!absl::ConsumePrefix(&header, absl::StrCat(kSigV4Algorithm, " "))) {
    return Malformed("another algorithm");
  }
  const std::vector<absl::string_view> parts = absl::StrSplit(header, ',');
  absl::string_view credential;
  absl::string_view names;
  absl::string_view signature;
  if (parts.size() != 3 || !Value(parts[0], "Credential=", credential) ||
      !Value(parts[1], "SignedHeaders=", names) || !Value(parts[2], "Signature=", signature)) {
    return Malformed("other members than Credential, SignedHeaders, Signature");
  }
  const std::vector<std::string> scope = absl::StrSplit(credential, '/');
  if (scope.size() != 5 || scope[4] != kTerminator || scope[0].empty()) {
    return Malformed("a credential of another form");
  }
  SigV4Credential out{.access_key_id = scope[0],
                      .scope = {.date = scope[1], .region = scope[2], .service = scope[3]},
                      .signed_headers = absl::StrSplit(names, ';'),
                      .signature = std::string(signature)};
  const std::vector<std::string>& sorted = out.signed_headers;
  if (sorted.size() > kSignedHeadersMax ||
      std::adjacent_find(sorted.begin(), sorted.end(), std::greater_equal<>()) != sorted.end()) {
    return Malformed("signed headers that are not sorted, or doubled");
  }
  if (!IsHexOf(signature, 2 * Digest::kSize)) return Malformed("a signature of another form");
  return out;
}

std::string SigV4Time(uint64_t now_ms) {
  return absl::StrReplaceAll(TimeTextOfSeconds(static_cast<int64_t>(now_ms / 1000)),
                             {{"-", ""}, {":", ""}});
}

absl::StatusOr<uint64_t> ParseSigV4Time(absl::string_view text) {
  std::optional<uint64_t> time_ms;
  if (text.size() == 16) {
    time_ms = ParseTimeMillis(absl::StrCat(text.substr(0, 4), "-", text.substr(4, 2), "-",
                                           text.substr(6, 5), ":", text.substr(11, 2), ":",
                                           text.substr(13)));
  }
  if (!time_ms.has_value() || SigV4Time(*time_ms) != text) {
    return BadInput({.code = "date_malformed",
                     .what = "header X-Amz-Date",
                     .expected = "a time as 20150830T123600Z",
                     .found = "another text"});
  }
  return *time_ms;
}

}  // namespace sealfold
