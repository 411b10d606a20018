#include "attest/keyclient/key_answer.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/keyclient/wire/base64.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

using nlohmann::json;

constexpr size_t kReplySizeMax = 64 << 10;
constexpr size_t kErrorShownMax = 300;

// A text member; "" if there is none.
std::string Text(const json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : "";
}

// {"__type": "AccessDeniedException", "message": ...}; AWS may put a namespace and '#' before the
// type.
absl::Status ServiceError(absl::string_view operation, const HttpReply& reply, const json& body) {
  std::string type = body.is_object() ? Text(body, "__type") : "";
  type = type.substr(type.rfind('#') + 1);
  std::string message = body.is_object() ? Text(body, "message") : "";
  if (message.empty() && body.is_object()) message = Text(body, "Message");
  Explanation explanation{.code = "key_service_error",
                          .what = absl::StrCat("the key service's answer to ", operation),
                          .expected = "a key",
                          .found = absl::StrCat("status ", reply.status, " ", type.substr(0, 80),
                                                ": ", message.substr(0, kErrorShownMax))};
  if (type != "AccessDeniedException") return PeerError(explanation);
  explanation.code = "key_refused";
  explanation.advice = "compare what runs here with the key's conditions";
  return Refused(explanation);
}

}  // namespace

absl::Status AnswerMalformed(absl::string_view operation, std::string found) {
  return PeerError({.code = "key_answer_malformed",
                    .what = absl::StrCat("the key service's answer to ", operation),
                    .expected = "KMS's members",
                    .found = std::move(found)});
}

absl::StatusOr<json> ReadKeyAnswer(absl::string_view operation, const HttpReply& reply) {
  if (reply.body.size() > kReplySizeMax) return AnswerMalformed(operation, "a longer text");
  json answer = json::parse(reply.body, nullptr, /*allow_exceptions=*/false);
  if (reply.status != 200) return ServiceError(operation, reply, answer);
  if (!answer.is_object()) return AnswerMalformed(operation, "no JSON object");
  return answer;
}

absl::StatusOr<Bytes> AnswerBytes(absl::string_view operation, const json& answer,
                                  const char* name) {
  const std::string text = Text(answer, name);
  absl::StatusOr<Bytes> bytes = Base64Decode(name, text);
  if (text.empty() || !bytes.ok()) return AnswerMalformed(operation, absl::StrCat("no ", name));
  return bytes;
}

absl::StatusOr<Secret> OpenReleased(absl::string_view operation, const json& answer,
                                    const RecipientKey& recipient) {
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes envelope,
                            AnswerBytes(operation, answer, "CiphertextForRecipient"));
  return recipient.Open(envelope);
}

}  // namespace sealfold
