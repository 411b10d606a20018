#include "attest/keybroker/server/broker.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "attest/claims_check.h"
#include "attest/keybroker/demand/evidence.h"
#include "attest/keyclient/wire/base64.h"
#include "attest/keyclient/wire/recipient_key.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/crypto/hash.h"
#include "protocol/json/json_text.h"

namespace sealfold {
namespace {

using nlohmann::json;

constexpr char kAlgorithm[] = "SYMMETRIC_DEFAULT";

// KMS's names of errors; what is not here is by the status's kind.
constexpr std::pair<absl::string_view, absl::string_view> kTypes[] = {
    {"json_syntax", "SerializationException"},
    {"kms_operation_unknown", "UnknownOperationException"},
    {"kms_key_unknown", "NotFoundException"},
    {"kms_key_other", "IncorrectKeyException"},
    {"blob_malformed", "InvalidCiphertextException"},
    {"seal_broken", "InvalidCiphertextException"},
    {"authorization_missing", "MissingAuthenticationTokenException"},
    {"authorization_malformed", "IncompleteSignatureException"},
    {"caller_unknown", "UnrecognizedClientException"},
    {"signature_wrong", "InvalidSignatureException"},
    {"request_stale", "InvalidSignatureException"}};

absl::string_view TypeOf(const absl::Status& error, absl::string_view code) {
  for (const auto& [known, type] : kTypes) {
    if (known == code) return type;
  }
  if (absl::IsInvalidArgument(error)) return "ValidationException";
  if (absl::IsPermissionDenied(error)) return "AccessDeniedException";
  return "KMSInternalException";
}

// Adds what is released, sealed to `recipient` or, without one, in the clear.
absl::Status Put(const Bytes& recipient, const Secret& released, json& answer) {
  if (recipient.empty()) {
    answer["Plaintext"] = Base64Encode(released.span());
    return absl::OkStatus();
  }
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes envelope, SealToRecipient(recipient, released.span()));
  answer["CiphertextForRecipient"] = Base64Encode(envelope);
  return absl::OkStatus();
}

}  // namespace

KmsAnswer ErrorAnswer(const absl::Status& error) {
  const Explanation explanation = Explain(error);
  const absl::string_view type = TypeOf(error, explanation.code);
  std::string message = explanation.what;
  if (!explanation.expected.empty()) {
    absl::StrAppend(&message, ": expected ", explanation.expected);
  }
  if (!explanation.found.empty()) absl::StrAppend(&message, ", found ", explanation.found);
  if (!explanation.code.empty()) absl::StrAppend(&message, " [", explanation.code, "]");
  return {.status = type == "KMSInternalException" ? 500 : 400,
          .body = JsonText(json({{"__type", std::string(type)}, {"message", message}}))};
}

KmsAnswer Broker::Answer(const absl::StatusOr<std::string>& caller, absl::string_view target,
                         absl::string_view body, uint64_t now_ms) {
  if (!caller.ok() && !strangers_.Take(now_ms)) {
    ++unlogged_;
    return ErrorAnswer(caller.status());
  }
  Decision decision{
      .time_ms = now_ms,
      .operation = std::string(absl::StripPrefix(target, "TrentService.").substr(0, 40))};
  decision.unlogged = unlogged_;
  if (caller.ok()) decision.caller = *caller;
  const absl::StatusOr<json> answer =
      caller.ok() ? Decide(target, body, decision) : absl::StatusOr<json>(caller.status());
  decision.allowed = answer.ok();
  if (!answer.ok()) decision.reason = ErrorCode(answer.status());
  const absl::Status logged = log_(decision);
  if (!logged.ok()) {
    return ErrorAnswer(absl::InternalError("the decision could not be logged: no answer"));
  }
  unlogged_ = 0;
  if (!answer.ok()) return ErrorAnswer(answer.status());
  return {.body = answer->dump()};
}

absl::StatusOr<json> Broker::Decide(absl::string_view target, absl::string_view body,
                                    Decision& decision) const {
  SEALFOLD_ASSIGN_OR_RETURN(const KmsRequest request, ParseKmsRequest(target, body));
  switch (request.operation) {
    case KmsOperation::kDecrypt:
      return Decrypt(request, decision);
    case KmsOperation::kEncrypt:
      return Encrypt(request, decision);
    case KmsOperation::kGenerateDataKey:
      return GenerateDataKey(request, decision);
    case KmsOperation::kGenerateRandom:
      return GenerateRandom(request, decision);
  }
  return absl::InternalError("an operation without an answer");
}

absl::StatusOr<const KeyRecord*> Broker::Find(const std::string& id, Decision& decision) const {
  const KeyRecord* key = store_.FindKey(id);
  if (key == nullptr) {
    return BadInput({.code = "kms_key_unknown",
                     .what = "KeyId",
                     .expected = "the id or \"alias/NAME\" of a key of this broker",
                     .found = absl::StrCat("'", id.substr(0, 80), "'")});
  }
  decision.key = KeyIdText(key->id);
  return key;
}

absl::StatusOr<Bytes> Broker::Release(const KeyRecord* key, const KmsRequest& request,
                                      Decision& decision) const {
  const bool attested = key != nullptr && !key->unattested;
  if (!request.document.has_value()) {
    if (!attested) return Bytes();
    return Refused({.code = "kms_recipient_missing",
                    .what = absl::StrCat("key ", key->name),
                    .expected = "a Recipient with an attestation document",
                    .found = "none: it is released to evidence only"});
  }
  decision.evidence = Sha256(*request.document).hex();
  SEALFOLD_RETURN_IF_ERROR(withheld_);
  EvidenceDemand demand;
  if (attested) {
    SEALFOLD_ASSIGN_OR_RETURN(demand, ReadConditions(key->conditions));
  }
  const Verdict verdict = JudgeEvidence(*request.document, attested ? &demand : nullptr,
                                        store_.trust(), decision.time_ms, chains_.get());
  decision.platform = verdict.claims.platform;
  decision.caveat = verdict.caveat;
  for (const auto& [index, value] : verdict.claims.registers) {
    if (!IsAllZero(value)) decision.registers[index] = HexEncode(value);
  }
  SEALFOLD_RETURN_IF_ERROR(verdict.status());
  if (!verdict.claims.public_key.has_value()) {
    return BadInput({.code = "recipient_key_unfit",
                     .what = "public_key of the attestation document",
                     .expected = "an RSA key",
                     .found = "none"});
  }
  SEALFOLD_RETURN_IF_ERROR(CheckRecipientKey(*verdict.claims.public_key));
  return *verdict.claims.public_key;
}

absl::StatusOr<json> Broker::Decrypt(const KmsRequest& request, Decision& decision) const {
  SEALFOLD_ASSIGN_OR_RETURN(const KeyId id, BlobKey(request.blob));
  SEALFOLD_ASSIGN_OR_RETURN(const KeyRecord* key, Find(KeyIdText(id), decision));
  if (!request.key_id.empty() && store_.FindKey(request.key_id) != key) {
    return BadInput({.code = "kms_key_other",
                     .what = "KeyId",
                     .expected = "the key that sealed the blob",
                     .found = "another"});
  }
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes recipient, Release(key, request, decision));
  SEALFOLD_ASSIGN_OR_RETURN(const Secret plaintext,
                            OpenBlob(store_.SecretOf(*key), request.context, request.blob));
  json answer = {{"KeyId", decision.key}, {"EncryptionAlgorithm", kAlgorithm}};
  SEALFOLD_RETURN_IF_ERROR(Put(recipient, plaintext, answer));
  return answer;
}

absl::StatusOr<json> Broker::Encrypt(const KmsRequest& request, Decision& decision) const {
  SEALFOLD_ASSIGN_OR_RETURN(const KeyRecord* key, Find(request.key_id, decision));
  const Bytes blob =
      SealBlob(key->id, store_.SecretOf(*key), request.context, request.plaintext.span());
  return json({{"KeyId", decision.key},
               {"EncryptionAlgorithm", kAlgorithm},
               {"CiphertextBlob", Base64Encode(blob)}});
}

absl::StatusOr<json> Broker::GenerateDataKey(const KmsRequest& request, Decision& decision) const {
  SEALFOLD_ASSIGN_OR_RETURN(const KeyRecord* key, Find(request.key_id, decision));
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes recipient, Release(key, request, decision));
  const Secret data_key = RandomSecret(request.size);
  const Bytes blob = SealBlob(key->id, store_.SecretOf(*key), request.context, data_key.span());
  json answer = {{"KeyId", decision.key}, {"CiphertextBlob", Base64Encode(blob)}};
  SEALFOLD_RETURN_IF_ERROR(Put(recipient, data_key, answer));
  return answer;
}

absl::StatusOr<json> Broker::GenerateRandom(const KmsRequest& request, Decision& decision) const {
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes recipient, Release(nullptr, request, decision));
  json answer = json::object();
  SEALFOLD_RETURN_IF_ERROR(Put(recipient, RandomSecret(request.size), answer));
  return answer;
}

}  // namespace sealfold
