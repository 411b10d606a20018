// Asks AWS KMS, or a sealfold-keybroker, for keys that are released to this process's evidence.
#ifndef SEALFOLD_ATTEST_KEYCLIENT_KEY_CLIENT_H_
#define SEALFOLD_ATTEST_KEYCLIENT_KEY_CLIENT_H_

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "absl/functional/any_invocable.h"
#include "attest/attester.h"
#include "attest/keyclient/key_answer.h"
#include "attest/keyclient/wire/encryption_context.h"
#include "attest/keyclient/wire/sigv4.h"

namespace sealfold {

// A caller's access key: AWS's, or the file that `sealfold-keybroker caller create` writes.
struct AccessKey {
  std::string id = {};
  Secret secret = {};
  std::string session_token = {};  // of AWS's temporary credentials; else empty
};
// {"format": "sealfold-access-key-1", "access_key_id": ..., "secret_access_key": ...} and,
// optionally, "session_token". InvalidArgument, code "access_key_malformed" or
// "key_file_malformed".
absl::StatusOr<AccessKey> ParseAccessKey(ByteSpan text);

struct KeyService {
  std::string host = {};  // the header Host: "kms.eu-central-1.amazonaws.com", "10.0.0.7:8443"
  std::string region = "local";
  AccessKey access_key = {};
};

// POST / with these headers (lower-case names). Unavailable where there is no reply.
using HttpPost = absl::AnyInvocable<absl::StatusOr<HttpReply>(
    const std::map<std::string, std::string>& headers, const std::string& body)>;

struct DataKey {
  Secret key;
  Bytes blob;  // decrypts to `key`
};

// Every call makes one RSA key and one document. Errors: the attester's, the transport's, those
// of the answer (key_answer.h), and "key_id_malformed" for a key's name that is not UTF-8. Moves,
// does not copy. For one thread at a time.
class KeyClient {
 public:
  // `attester` outlives the client.
  KeyClient(KeyService service, Attester& attester, HttpPost post, std::function<uint64_t()> now_ms)
      : service_(std::move(service)),
        attester_(&attester),
        post_(std::move(post)),
        now_ms_(std::move(now_ms)) {}

  // `key_id`: the key that must have made the blob. Empty: any that the caller may use, so that who
  // brings the blob, and has keys of its own, may know what it decrypts to.
  absl::StatusOr<Secret> Decrypt(ByteSpan blob, const EncryptionContext& context,
                                 const std::string& key_id = "");
  // `size` bytes, 1 to 1024.
  absl::StatusOr<DataKey> GenerateDataKey(const std::string& key_id, size_t size,
                                          const EncryptionContext& context);
  absl::StatusOr<Secret> GenerateRandom(size_t size);
  // Needs no evidence: nothing is released. 1 to 4096 bytes.
  absl::StatusOr<Bytes> Encrypt(const std::string& key_id, ByteSpan plaintext,
                                const EncryptionContext& context);

 private:
  absl::StatusOr<nlohmann::json> Ask(const std::string& operation, const std::string& body);
  // Asks for evidence's sake: `request` gets its Recipient, the answer is opened into `released`.
  absl::StatusOr<nlohmann::json> AskAttested(const std::string& operation, nlohmann::json request,
                                             Secret& released);

  KeyService service_;
  Attester* attester_;
  HttpPost post_;
  std::function<uint64_t()> now_ms_;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYCLIENT_KEY_CLIENT_H_
