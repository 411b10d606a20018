#include "attest/keybroker/kms/kms_request.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

absl::StatusOr<KmsRequest> Parse(absl::string_view operation, absl::string_view body) {
  return ParseKmsRequest(absl::StrCat("TrentService.", operation), body);
}
std::string CodeOf(absl::string_view operation, absl::string_view body) {
  return ErrorCode(Parse(operation, body).status());
}

constexpr absl::string_view kRecipient =
    R"("Recipient": {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": "ZG9j"})";

TEST(KmsRequestTest, ReadsEachOperation) {
  const absl::StatusOr<KmsRequest> decrypt =
      Parse("Decrypt", absl::StrCat(R"({"CiphertextBlob": "YmxvYg==", "KeyId": "alias/a",
          "EncryptionAlgorithm": "SYMMETRIC_DEFAULT", "EncryptionContext": {"b": "2", "a": "1"}, )",
                                    kRecipient, "}"));
  ASSERT_TRUE(decrypt.ok()) << decrypt.status();
  EXPECT_EQ(decrypt->operation, KmsOperation::kDecrypt);
  EXPECT_EQ(AsText(decrypt->blob), "blob");
  EXPECT_EQ(decrypt->key_id, "alias/a");
  EXPECT_EQ(decrypt->context, (EncryptionContext{{"a", "1"}, {"b", "2"}}));
  EXPECT_EQ(AsText(*decrypt->document), "doc");

  const absl::StatusOr<KmsRequest> encrypt =
      Parse("Encrypt", R"({"KeyId": "k", "Plaintext": "c2VjcmV0"})");
  ASSERT_TRUE(encrypt.ok()) << encrypt.status();
  EXPECT_EQ(AsText(encrypt->plaintext.span()), "secret");
  EXPECT_FALSE(encrypt->document.has_value());

  EXPECT_EQ(Parse("GenerateDataKey", R"({"KeyId": "k", "KeySpec": "AES_256"})")->size, 32U);
  EXPECT_EQ(Parse("GenerateDataKey", R"({"KeyId": "k", "KeySpec": "AES_128"})")->size, 16U);
  EXPECT_EQ(Parse("GenerateDataKey", R"({"KeyId": "k", "NumberOfBytes": 64})")->size, 64U);
  EXPECT_EQ(Parse("GenerateRandom", R"({"NumberOfBytes": 1024})")->size, 1024U);
}

TEST(KmsRequestTest, WhatTheBrokerDoesNotHaveIsRefused) {
  EXPECT_EQ(CodeOf("ScheduleKeyDeletion", "{}"), "kms_operation_unknown");
  EXPECT_EQ(ErrorCode(ParseKmsRequest("", "{}").status()), "kms_operation_unknown");
  EXPECT_EQ(CodeOf("Decrypt", R"({"CiphertextBlob": "YmxvYg==", "DryRun": true})"),
            "field_unknown");
  EXPECT_EQ(CodeOf("Decrypt", R"({"CiphertextBlob": "YmxvYg==", "GrantTokens": []})"),
            "field_unknown");
  EXPECT_EQ(CodeOf("Encrypt",
                   absl::StrCat(R"({"KeyId": "k", "Plaintext": "c2VjcmV0", )", kRecipient, "}")),
            "field_unknown");
  EXPECT_EQ(CodeOf("Decrypt", R"({"CiphertextBlob": "YmxvYg==", "Recipient": {
      "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_1", "AttestationDocument": "ZG9j"}})"),
            "field_invalid");
  EXPECT_EQ(CodeOf("Decrypt", R"({"CiphertextBlob": "YmxvYg==", "Recipient": {
      "KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256"}})"),
            "field_missing");
}

TEST(KmsRequestTest, MalformedRequestsAreRefused) {
  EXPECT_EQ(CodeOf("Decrypt", "{"), "json_syntax");
  EXPECT_EQ(CodeOf("Decrypt", "[]"), "field_invalid");
  EXPECT_EQ(CodeOf("Decrypt", "{}"), "field_missing");
  EXPECT_EQ(CodeOf("Decrypt", R"({"CiphertextBlob": "YmxvYg==", "CiphertextBlob": "YmxvYg=="})"),
            "json_doubled_key");
  EXPECT_EQ(CodeOf("Decrypt", R"({"CiphertextBlob": "YmxvYg"})"), "base64_malformed");
  EXPECT_EQ(CodeOf("Decrypt", R"({"CiphertextBlob": 7})"), "field_invalid");
  EXPECT_EQ(CodeOf("Decrypt", std::string(kKmsBodySizeMax + 1, ' ')), "kms_request_malformed");
  EXPECT_EQ(CodeOf("Decrypt", R"({"CiphertextBlob": "YmxvYg==", "EncryptionContext": {"a": 1}})"),
            "kms_request_malformed");
  EXPECT_EQ(CodeOf("Decrypt", absl::StrCat(R"({"CiphertextBlob": "YmxvYg==",
      "EncryptionContext": {"a": ")",
                                           std::string(kEncryptionContextSizeMax, 'x'), "\"}}")),
            "kms_request_malformed");
  EXPECT_EQ(CodeOf("Encrypt", R"({"KeyId": "k", "Plaintext": ""})"), "field_invalid");
  EXPECT_EQ(CodeOf("GenerateDataKey", R"({"KeyId": "k"})"), "kms_request_malformed");
  EXPECT_EQ(CodeOf("GenerateDataKey", R"({"KeyId": "k", "KeySpec": "AES_256",
      "NumberOfBytes": 32})"),
            "kms_request_malformed");
  for (const char* size : {"0", "1025", "-1", "1.5", "\"32\""}) {
    EXPECT_EQ(CodeOf("GenerateRandom", absl::StrCat(R"({"NumberOfBytes": )", size, "}")),
              "field_invalid")
        << size;
  }
}

}  // namespace
}  // namespace sealfold
