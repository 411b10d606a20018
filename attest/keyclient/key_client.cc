#include "attest/keyclient/key_client.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/keyclient/wire/base64.h"
#include "attest/keyclient/wire/wiped_text.h"
#include "protocol/base/error.h"
#include "protocol/crypto/key_text.h"
#include "protocol/text/utf8.h"

namespace sealfold {

using nlohmann::json;

absl::StatusOr<AccessKey> ParseAccessKey(ByteSpan text) {
  SEALFOLD_ASSIGN_OR_RETURN(auto members, key_internal::ParseFlatObject(AsText(text)));
  const bool token = members.contains("session_token");
  if (members.size() != (token ? 4 : 3) || members["format"] != "sealfold-access-key-1" ||
      members["access_key_id"].empty() || members["secret_access_key"].empty()) {
    return BadInput({.code = "access_key_malformed",
                     .what = "access key",
                     .expected = "format sealfold-access-key-1, access_key_id, secret_access_key",
                     .found = "other members"});
  }
  AccessKey key{.id = std::string(members["access_key_id"]),
                .secret = Secret::CopyOf(AsBytes(members["secret_access_key"]))};
  if (token) key.session_token = std::string(members["session_token"]);
  return key;
}

namespace {

// JSON has no other text.
absl::Status CheckKeyId(absl::string_view key_id) {
  if (IsUtf8(key_id)) return absl::OkStatus();
  return BadInput({.code = "key_id_malformed",
                   .what = "key of the key service",
                   .expected = "a name in UTF-8",
                   .found = std::string(key_id.substr(0, 80))});
}

}  // namespace

absl::StatusOr<json> KeyClient::Ask(const std::string& operation, const std::string& body) {
  const std::string time = SigV4Time(now_ms_());
  SignedRequest to_sign{.headers = {{"content-type", "application/x-amz-json-1.1"},
                                    {"host", service_.host},
                                    {"x-amz-date", time},
                                    {"x-amz-target", absl::StrCat("TrentService.", operation)}},
                        .body = AsBytes(body)};
  if (!service_.access_key.session_token.empty()) {
    to_sign.headers["x-amz-security-token"] = service_.access_key.session_token;
  }
  const std::string authorization = SigV4Authorization(
      to_sign, {.date = time.substr(0, 8), .region = service_.region, .service = "kms"},
      service_.access_key.id, service_.access_key.secret.span());
  to_sign.headers["authorization"] = authorization;
  SEALFOLD_ASSIGN_OR_RETURN(const HttpReply reply, post_(to_sign.headers, body));
  return ReadKeyAnswer(operation, reply);
}

absl::StatusOr<json> KeyClient::AskAttested(const std::string& operation, json request,
                                            Secret& released) {
  const RecipientKey recipient = RecipientKey::Generate();
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes document, attester_->Attest({}, {}, recipient.Spki()));
  request["Recipient"] = {{"KeyEncryptionAlgorithm", "RSAES_OAEP_SHA_256"},
                          {"AttestationDocument", Base64Encode(document)}};
  SEALFOLD_ASSIGN_OR_RETURN(json answer, Ask(operation, request.dump()));
  SEALFOLD_ASSIGN_OR_RETURN(released, OpenReleased(operation, answer, recipient));
  return answer;
}

absl::StatusOr<Secret> KeyClient::Decrypt(ByteSpan blob, const EncryptionContext& context,
                                          const std::string& key_id) {
  SEALFOLD_RETURN_IF_ERROR(CheckKeyId(key_id));
  json request = {{"CiphertextBlob", Base64Encode(blob)}};
  if (!key_id.empty()) request["KeyId"] = key_id;
  if (!context.empty()) request["EncryptionContext"] = context;
  Secret released;
  SEALFOLD_RETURN_IF_ERROR(AskAttested("Decrypt", std::move(request), released).status());
  return released;
}

absl::StatusOr<DataKey> KeyClient::GenerateDataKey(const std::string& key_id, size_t size,
                                                   const EncryptionContext& context) {
  SEALFOLD_RETURN_IF_ERROR(CheckKeyId(key_id));
  json request = {{"KeyId", key_id}, {"NumberOfBytes", size}};
  if (!context.empty()) request["EncryptionContext"] = context;
  DataKey out;
  SEALFOLD_ASSIGN_OR_RETURN(const json answer,
                            AskAttested("GenerateDataKey", std::move(request), out.key));
  SEALFOLD_ASSIGN_OR_RETURN(out.blob, AnswerBytes("GenerateDataKey", answer, "CiphertextBlob"));
  if (out.key.size() == size) return out;
  return AnswerMalformed("GenerateDataKey", absl::StrCat("a key of ", out.key.size(), " bytes"));
}

absl::StatusOr<Secret> KeyClient::GenerateRandom(size_t size) {
  Secret released;
  SEALFOLD_RETURN_IF_ERROR(
      AskAttested("GenerateRandom", {{"NumberOfBytes", size}}, released).status());
  if (released.size() == size) return released;
  return AnswerMalformed("GenerateRandom", absl::StrCat(released.size(), " bytes"));
}

absl::StatusOr<Bytes> KeyClient::Encrypt(const std::string& key_id, ByteSpan plaintext,
                                         const EncryptionContext& context) {
  SEALFOLD_RETURN_IF_ERROR(CheckKeyId(key_id));
  json request = {{"KeyId", key_id}};
  if (!context.empty()) request["EncryptionContext"] = context;
  std::string others = request.dump();
  others.pop_back();
  // The plaintext is put in by hand: a JSON tree is not wiped. Base64 has nothing to escape.
  const WipedText encoded(Base64Encode(plaintext));
  WipedText body;
  body->reserve(others.size() + encoded->size() + 32);
  absl::StrAppend(&*body, others, ",\"Plaintext\":\"", *encoded, "\"}");
  SEALFOLD_ASSIGN_OR_RETURN(const json answer, Ask("Encrypt", *body));
  return AnswerBytes("Encrypt", answer, "CiphertextBlob");
}

}  // namespace sealfold
