#include "attest/keybroker/kms/kms_request.h"

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "attest/keyclient/wire/base64.h"
#include "embedded/decrypt_schema.h"
#include "embedded/encrypt_schema.h"
#include "embedded/generate_data_key_schema.h"
#include "embedded/generate_random_schema.h"
#include "protocol/base/error.h"
#include "protocol/json/load.h"

namespace sealfold {
namespace {

using nlohmann::json;

struct Operation {
  absl::string_view target;
  KmsOperation operation;
  absl::string_view schema;
};
constexpr Operation kOperations[] = {
    {"TrentService.Decrypt", KmsOperation::kDecrypt, kDecryptSchema},
    {"TrentService.Encrypt", KmsOperation::kEncrypt, kEncryptSchema},
    {"TrentService.GenerateDataKey", KmsOperation::kGenerateDataKey, kGenerateDataKeySchema},
    {"TrentService.GenerateRandom", KmsOperation::kGenerateRandom, kGenerateRandomSchema}};

absl::Status Malformed(std::string what, std::string expected, std::string found) {
  return BadInput({.code = "kms_request_malformed",
                   .what = std::move(what),
                   .expected = std::move(expected),
                   .found = std::move(found)});
}

absl::Status ReadContext(const json& object, EncryptionContext& context) {
  size_t size = 0;
  for (const auto& item : object.items()) {
    if (!item.value().is_string()) {
      return Malformed("EncryptionContext", "texts as values", item.value().type_name());
    }
    const auto& value = item.value().get_ref<const std::string&>();
    size += item.key().size() + value.size();
    if (size > kEncryptionContextSizeMax) {
      return Malformed("EncryptionContext",
                       absl::StrCat("at most ", kEncryptionContextSizeMax, " bytes"), "more");
    }
    context.emplace(item.key(), value);
  }
  return absl::OkStatus();
}

// Exactly one of KeySpec and NumberOfBytes.
absl::Status ReadSize(const json& document, size_t& size) {
  const auto spec = document.find("KeySpec");
  const auto bytes = document.find("NumberOfBytes");
  if ((spec == document.end()) == (bytes == document.end())) {
    return Malformed("GenerateDataKey", "either KeySpec or NumberOfBytes",
                     spec == document.end() ? "neither" : "both");
  }
  size = spec == document.end() ? bytes->get<size_t>() : *spec == "AES_128" ? 16 : 32;
  return absl::OkStatus();
}

// The schema has looked at types and lengths.
absl::Status ReadMembers(json& document, KmsRequest& request) {
  if (document.contains("KeyId")) request.key_id = document["KeyId"].get<std::string>();
  if (document.contains("CiphertextBlob")) {
    SEALFOLD_ASSIGN_OR_RETURN(
        request.blob,
        Base64Decode("CiphertextBlob", document["CiphertextBlob"].get_ref<const std::string&>()));
  }
  if (document.contains("Plaintext")) {
    auto& text = document["Plaintext"].get_ref<std::string&>();
    absl::StatusOr<Bytes> plaintext = Base64Decode("Plaintext", text);
    Wipe(MutableByteSpan(reinterpret_cast<uint8_t*>(text.data()), text.size()));
    SEALFOLD_RETURN_IF_ERROR(plaintext.status());
    request.plaintext = Secret::CopyOf(*plaintext);
    Wipe(absl::MakeSpan(*plaintext));
    if (request.plaintext.size() > kBlobPlaintextSizeMax) {
      return Malformed("Plaintext", absl::StrCat("at most ", kBlobPlaintextSizeMax, " bytes"),
                       "more");
    }
  }
  if (request.operation == KmsOperation::kGenerateDataKey) {
    SEALFOLD_RETURN_IF_ERROR(ReadSize(document, request.size));
  } else if (request.operation == KmsOperation::kGenerateRandom) {
    request.size = document["NumberOfBytes"].get<size_t>();
  }
  if (document.contains("EncryptionContext")) {
    SEALFOLD_RETURN_IF_ERROR(ReadContext(document["EncryptionContext"], request.context));
  }
  if (document.contains("Recipient")) {
    SEALFOLD_ASSIGN_OR_RETURN(
        request.document,
        Base64Decode("AttestationDocument",
                     document["Recipient"]["AttestationDocument"].get_ref<const std::string&>()));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<KmsRequest> ParseKmsRequest(absl::string_view target, absl::string_view body) {
  if (body.size() > kKmsBodySizeMax) {
    return Malformed("request", absl::StrCat("at most ", kKmsBodySizeMax, " bytes"),
                     absl::StrCat(body.size(), " bytes"));
  }
  for (const Operation& each : kOperations) {
    if (each.target != target) continue;
    SEALFOLD_ASSIGN_OR_RETURN(json document, LoadJson(body, each.schema, "request"));
    KmsRequest request{.operation = each.operation};
    SEALFOLD_RETURN_IF_ERROR(ReadMembers(document, request));
    return request;
  }
  return BadInput({.code = "kms_operation_unknown",
                   .what = "X-Amz-Target",
                   .expected = "TrentService.Decrypt, Encrypt, GenerateDataKey or GenerateRandom",
                   .found = std::string(target.substr(0, 80))});
}

}  // namespace sealfold
