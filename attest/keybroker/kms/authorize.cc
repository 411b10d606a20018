#include "attest/keybroker/kms/authorize.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr absl::string_view kService = "kms";
constexpr absl::string_view kHeadersSigned[] = {"host", "x-amz-date", "x-amz-target"};

absl::Status Unauthorized(absl::string_view code, std::string expected, std::string found) {
  return Refused({.code = std::string(code),
                  .what = "the request's signature",
                  .expected = std::move(expected),
                  .found = std::move(found)});
}

absl::Status CheckSignedHeaders(const SignedRequest& request, const SigV4Credential& credential) {
  const auto& names = credential.signed_headers;
  for (const std::string& name : names) {
    if (!request.headers.contains(name)) {
      return Unauthorized("authorization_malformed", "headers that the request has",
                          name.substr(0, 80));
    }
  }
  for (absl::string_view name : kHeadersSigned) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      return Unauthorized("authorization_malformed", absl::StrCat("one over the header ", name),
                          "one without it");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckTime(const SignedRequest& request, const SigV4Scope& scope, uint64_t now_ms) {
  const std::string& date = request.headers.at("x-amz-date");
  SEALFOLD_ASSIGN_OR_RETURN(const uint64_t made_ms, ParseSigV4Time(date));
  if (!absl::StartsWith(date, absl::StrCat(scope.date, "T"))) {
    return Unauthorized("authorization_malformed", "the date of the header X-Amz-Date",
                        scope.date.substr(0, 40));
  }
  const uint64_t distance_ms = std::max(made_ms, now_ms) - std::min(made_ms, now_ms);
  if (distance_ms > kRequestAgeMsMax) {
    return Unauthorized("request_stale",
                        absl::StrCat("at most ", kRequestAgeMsMax / 1000, " s from this clock"),
                        absl::StrCat(distance_ms / 1000, " s"));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> Authorize(const KeyStore& store, const SignedRequest& request,
                                      uint64_t now_ms) {
  const auto header = request.headers.find("authorization");
  if (header == request.headers.end()) {
    return Unauthorized("authorization_missing", "AWS Signature Version 4", "none");
  }
  SEALFOLD_ASSIGN_OR_RETURN(const SigV4Credential credential,
                            ParseSigV4Authorization(header->second));
  if (credential.scope.service != kService) {
    return Unauthorized("authorization_malformed", "one for the service kms",
                        credential.scope.service.substr(0, 40));
  }
  SEALFOLD_RETURN_IF_ERROR(CheckSignedHeaders(request, credential));
  SEALFOLD_RETURN_IF_ERROR(CheckTime(request, credential.scope, now_ms));
  const CallerRecord* caller = store.FindCaller(credential.access_key_id);
  if (caller == nullptr) {
    return Unauthorized("caller_unknown", "an access key of this broker",
                        credential.access_key_id.substr(0, 40));
  }
  const std::string signature = SigV4Signature(request, credential.scope, credential.signed_headers,
                                               store.SecretOf(*caller).span());
  if (!EqualConstantTime(AsBytes(signature), AsBytes(credential.signature))) {
    // Told to whoever sent it, so without the name: ids can be read off the wire, names cannot.
    return Unauthorized("signature_wrong", "one by the access key's secret",
                        "another, or a request that was changed");
  }
  return caller->name;
}

}  // namespace sealfold
