// What an aggregator gets from its untrusted host on the way to a key service: the access key's
// text, and the service's answer, as whoever ends the connection may write it. The first byte says
// which; an answer's second is its status.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "attest/keyclient/key_client.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

// The answer does not depend on the evidence, nor on the document's content.
class SameDocument : public Attester {
 public:
  absl::string_view platform() const override { return "none"; }
  absl::StatusOr<Bytes> Attest(ByteSpan, ByteSpan, ByteSpan) override { return Bytes{1}; }
};

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

void TakeAnswer(char operation, int status, std::string body) {
  SameDocument attester;
  KeyClient client(
      {.host = "keys.example.org"}, attester,
      [&](const std::map<std::string, std::string>&, const std::string&) {
        return HttpReply{.status = status, .body = body};
      },
      [] { return uint64_t{1'770'000'000'000}; });
  if (operation == 'd') {
    // Nobody knows the key of this request: nothing opens.
    SEALFOLD_CHECK(IsAnswersError(client.Decrypt(Bytes{1}, {}, "alias/a").status()));
  } else if (operation == 'g') {
    SEALFOLD_CHECK(IsAnswersError(client.GenerateDataKey("alias/a", 32, {}).status()));
  } else {
    const absl::StatusOr<Bytes> blob = client.Encrypt("alias/a", Bytes(32), {});
    SEALFOLD_CHECK(blob.ok() ? blob->size() < body.size() : IsAnswersError(blob.status()));
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
    TakeAnswer(static_cast<char>(data[0]), data[1] == '2' ? 200 : 400,
               std::string(AsText(ByteSpan(data + 2, size - 2))));
  }
  return 0;
}
