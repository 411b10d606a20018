#include "protocol/base/error.h"

#include <cstdio>
#include <cstdlib>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"
#include "protocol/text/utf8.h"

namespace sealfold {
namespace {

constexpr char kPayloadUrl[] = "sealfold/explanation";
constexpr char kSeparator = '\x1f';  // of the payload's fields: in none of them
// Longer than any text of ours; a peer's may be cut.
constexpr size_t kTextBytesMax = 4096;

std::string Clean(absl::string_view text) { return OneLine(text, kTextBytesMax); }

// Some texts are a peer's: nothing of them may steer a terminal or be refused by an encoder.
absl::Status Make(absl::StatusCode code, const Explanation& raw) {
  const Explanation e = {.code = Clean(raw.code),
                         .what = Clean(raw.what),
                         .expected = Clean(raw.expected),
                         .found = Clean(raw.found),
                         .advice = Clean(raw.advice)};
  std::string message = e.what;
  if (!e.expected.empty()) absl::StrAppend(&message, ": expected ", e.expected);
  if (!e.found.empty())
    absl::StrAppend(&message, e.expected.empty() ? ": found " : ", found ", e.found);
  if (!e.advice.empty()) absl::StrAppend(&message, "; ", e.advice);
  absl::Status status(code, absl::StrCat(message, " [", e.code, "]"));
  std::string payload;
  for (const std::string* field : {&e.code, &e.what, &e.expected, &e.found, &e.advice}) {
    if (field != &e.code) payload.push_back(kSeparator);
    payload += *field;
  }
  status.SetPayload(kPayloadUrl, absl::Cord(payload));
  return status;
}

}  // namespace

absl::Status BadInput(const Explanation& e) { return Make(absl::StatusCode::kInvalidArgument, e); }
absl::Status Refused(const Explanation& e) { return Make(absl::StatusCode::kPermissionDenied, e); }
absl::Status PeerError(const Explanation& e) { return Make(absl::StatusCode::kUnavailable, e); }

Explanation Explain(const absl::Status& status) {
  SEALFOLD_CHECK(!status.ok());
  absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  if (!payload.has_value()) {
    return {.code = absl::StatusCodeToString(status.code()), .what = Clean(status.message())};
  }
  std::vector<std::string> fields = absl::StrSplit(std::string(*payload), kSeparator);
  SEALFOLD_CHECK(fields.size() == 5);
  return {.code = fields[0],
          .what = fields[1],
          .expected = fields[2],
          .found = fields[3],
          .advice = fields[4]};
}

absl::Status About(absl::string_view subject, const absl::Status& status) {
  if (status.ok()) return status;
  Explanation explanation = Explain(status);
  explanation.what = absl::StrCat(subject, ": ", explanation.what);
  return Make(status.code(), explanation);
}

std::string ErrorCode(const absl::Status& status) {
  return status.ok() ? "" : Explain(status).code;
}

void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: internal error: %s does not hold\n", file, line, condition);
  std::abort();
}

}  // namespace sealfold
