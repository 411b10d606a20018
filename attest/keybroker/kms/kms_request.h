// The requests of KMS's JSON API that the broker answers, read strictly: what KMS has and the
// broker does not (grants, dry runs, asymmetric keys) is refused, not passed over.
#ifndef SEALFOLD_ATTEST_KEYBROKER_KMS_KMS_REQUEST_H_
#define SEALFOLD_ATTEST_KEYBROKER_KMS_KMS_REQUEST_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "attest/keybroker/store/blob.h"

namespace sealfold {

inline constexpr size_t kKmsBodySizeMax = 512 << 10;
inline constexpr size_t kEncryptionContextSizeMax = 8192;  // names and values together, as KMS

enum class KmsOperation { kDecrypt, kEncrypt, kGenerateDataKey, kGenerateRandom };

// Members that an operation does not have are empty.
struct KmsRequest {
  KmsOperation operation = KmsOperation::kDecrypt;
  std::string key_id = {};  // an id or "alias/NAME"; may be left out of Decrypt
  Bytes blob = {};          // Decrypt
  Secret plaintext = {};    // Encrypt: 1 to kBlobPlaintextSizeMax bytes
  size_t size = 0;          // GenerateDataKey, GenerateRandom: 1 to 1024 bytes
  EncryptionContext context = {};
  std::optional<Bytes> document = {};  // the Recipient's; not for Encrypt
};

// `target` is the header X-Amz-Target: "TrentService.Decrypt". InvalidArgument with one of the
// codes "kms_operation_unknown", "kms_request_malformed", "json_*", "field_*", "base64_malformed".
absl::StatusOr<KmsRequest> ParseKmsRequest(absl::string_view target, absl::string_view body);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_KMS_KMS_REQUEST_H_
