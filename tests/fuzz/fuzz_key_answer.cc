// What an aggregator gets from its untrusted host on the way to a key service: the access key's
// text, and the service's answer, as whoever ends the connection may write it. The first byte says
// which; an answer's second is its status.
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "attest/keyclient/key_client.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

void TakeAccessKey(ByteSpan text) {
  const absl::StatusOr<AccessKey> key = ParseAccessKey(text);
  if (!key.ok()) {
    SEALFOLD_CHECK(ErrorCode(key.status()) == "access_key_malformed" ||
                   ErrorCode(key.status()) == "key_file_malformed");
    return;
  }
  SEALFOLD_CHECK(!key->id.empty() && !key->secret.empty());
  SEALFOLD_CHECK(key->id.size() + key->secret.size() + key->session_token.size() < text.size());
}

bool IsAnswersError(const absl::Status& status) {
  const std::string code(ErrorCode(status));
  return code == "key_refused" || code == "key_service_error" || code == "key_answer_malformed" ||
         code == "envelope_malformed" || code == "envelope_closed";
}

// What a client does with an answer. Its key is new for each request, which would be nearly all of
// the time here: one does as well, as nobody knows it.
absl::Status Take(char operation, const HttpReply& reply) {
  static const RecipientKey recipient = RecipientKey::Generate();
  SEALFOLD_ASSIGN_OR_RETURN(const nlohmann::json answer, ReadKeyAnswer("Any", reply));
  if (operation == 'd' || operation == 'g') {
    return OpenReleased("Any", answer, recipient).status();
  }
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes blob, AnswerBytes("Any", answer, "CiphertextBlob"));
  SEALFOLD_CHECK(!blob.empty() && blob.size() < reply.body.size());
  return absl::OkStatus();
}

void TakeAnswer(char operation, const HttpReply& reply) {
  const absl::Status status = Take(operation, reply);
  if (!status.ok()) {
    SEALFOLD_CHECK(IsAnswersError(status));
  } else {
    SEALFOLD_CHECK(operation != 'd' && operation != 'g');  // nothing is sealed to the key
  }
}

}  // namespace
}  // namespace sealfold

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  if (size < 2) return 0;
  if (data[0] == 'a') {
    TakeAccessKey(ByteSpan(data + 1, size - 1));
  } else {
    TakeAnswer(static_cast<char>(data[0]), {.status = data[1] == '2' ? 200 : 400,
                                            .body = std::string(AsText({data + 2, size - 2}))});
  }
  return 0;
}
