// What a key service answers: bytes of whoever ends the connection, read before anything is done
// with them.
#ifndef SEALFOLD_ATTEST_KEYCLIENT_KEY_ANSWER_H_
#define SEALFOLD_ATTEST_KEYCLIENT_KEY_ANSWER_H_

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "attest/keyclient/wire/recipient_key.h"
#include "protocol/base/bytes.h"

namespace sealfold {

struct HttpReply {
  int status = 0;
  std::string body = {};
};

// The answer's object. `operation` is for messages. PermissionDenied "key_refused": the service's
// words are in `found`; Unavailable "key_service_error", "key_answer_malformed".
absl::StatusOr<nlohmann::json> ReadKeyAnswer(absl::string_view operation, const HttpReply& reply);

// A member in base64, not empty. Unavailable, "key_answer_malformed".
absl::StatusOr<Bytes> AnswerBytes(absl::string_view operation, const nlohmann::json& answer,
                                  const char* name);

// What the answer releases to `recipient`. Errors of AnswerBytes and RecipientKey::Open.
absl::StatusOr<Secret> OpenReleased(absl::string_view operation, const nlohmann::json& answer,
                                    const RecipientKey& recipient);

// Unavailable, "key_answer_malformed".
absl::Status AnswerMalformed(absl::string_view operation, std::string found);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYCLIENT_KEY_ANSWER_H_
