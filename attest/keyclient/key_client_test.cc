// Against a transport of the test's own. With the broker itself: keybroker/end_to_end_test.cc.
#include "attest/keyclient/key_client.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "attest/keyclient/wire/base64.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

using nlohmann::json;

constexpr uint64_t kNow_ms = 1'440'938'160'000;
constexpr absl::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

// What it is asked for is the document.
class EchoAttester final : public Attester {
 public:
  absl::string_view platform() const override { return "test"; }
  absl::StatusOr<Bytes> Attest(ByteSpan, ByteSpan, ByteSpan public_key) override {
    return ToBytes(public_key);
  }
};

class KeyClientTest : public ::testing::Test {
 protected:
  KeyClient Client() {
    KeyService service{.host = "kms.eu-central-1.amazonaws.com", .region = "eu-central-1"};
    service.access_key = {.id = "AKIDEXAMPLE", .secret = Secret::CopyOf(AsBytes(kSecret))};
    return {std::move(service), attester_,
            [this](const std::map<std::string, std::string>& headers,
                   const std::string& body) -> absl::StatusOr<HttpReply> {
              headers_ = headers;
              body_ = json::parse(body);
              raw_body_ = body;
              json answer = answer_;
              if (!released_.empty()) {
                const std::string document = body_["Recipient"]["AttestationDocument"];
                answer["CiphertextForRecipient"] = Base64Encode(
                    SealToRecipient(*Base64Decode("", document), AsBytes(released_)).value());
              }
              return HttpReply{.status = status_, .body = answer.dump()};
            },
            [] { return kNow_ms; }};
  }

  EchoAttester attester_;
  int status_ = 200;
  json answer_ = json::object();
  std::string released_;
  std::map<std::string, std::string> headers_;
  json body_;
  std::string raw_body_;
};

TEST_F(KeyClientTest, AsksAsKmsIsAsked) {
  released_ = "a data key";
  const absl::StatusOr<Secret> key = Client().Decrypt(AsBytes("blob"), {{"study", "s"}});
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(AsText(key->span()), "a data key");
  EXPECT_EQ(headers_["x-amz-target"], "TrentService.Decrypt");
  EXPECT_EQ(headers_["content-type"], "application/x-amz-json-1.1");
  EXPECT_EQ(headers_["host"], "kms.eu-central-1.amazonaws.com");
  EXPECT_EQ(headers_["x-amz-date"], "20150830T123600Z");
  EXPECT_EQ(body_["CiphertextBlob"], Base64Encode(AsBytes("blob")));
  EXPECT_EQ(body_["EncryptionContext"].dump(), R"({"study":"s"})");
  EXPECT_EQ(body_["Recipient"]["KeyEncryptionAlgorithm"], "RSAES_OAEP_SHA_256");
  EXPECT_EQ(body_.size(), 3U);

  SignedRequest sent{.headers = headers_, .body = AsBytes(raw_body_)};
  sent.headers.erase("authorization");
  EXPECT_EQ(
      headers_["authorization"],
      SigV4Authorization(sent, {.date = "20150830", .region = "eu-central-1", .service = "kms"},
                         "AKIDEXAMPLE", AsBytes(kSecret)));
}

TEST_F(KeyClientTest, GeneratesADataKey) {
  released_ = std::string(32, 'k');
  answer_ = {{"CiphertextBlob", Base64Encode(AsBytes("blob"))}};
  const absl::StatusOr<DataKey> key = Client().GenerateDataKey("alias/a", 32, {});
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(AsText(key->key.span()), released_);
  EXPECT_EQ(AsText(key->blob), "blob");
  EXPECT_EQ(ErrorCode(Client().GenerateDataKey("alias/a", 16, {}).status()),
            "key_answer_malformed");
  EXPECT_EQ(ErrorCode(Client().GenerateRandom(31).status()), "key_answer_malformed");
  EXPECT_TRUE(Client().GenerateRandom(32).ok());
}

TEST_F(KeyClientTest, AKeysNameThatJsonCannotSayIsRefused) {
  const std::string name = "alias/\xff";
  EXPECT_EQ(ErrorCode(Client().Decrypt(AsBytes("blob"), {}, name).status()), "key_id_malformed");
  EXPECT_EQ(ErrorCode(Client().GenerateDataKey(name, 32, {}).status()), "key_id_malformed");
  EXPECT_EQ(ErrorCode(Client().Encrypt(name, AsBytes("x"), {}).status()), "key_id_malformed");
  EXPECT_TRUE(headers_.empty());
}

TEST_F(KeyClientTest, PlaintextInTheClearIsNotTaken) {
  answer_ = {{"Plaintext", Base64Encode(AsBytes("a data key"))}};
  EXPECT_EQ(ErrorCode(Client().Decrypt(AsBytes("blob"), {}).status()), "key_answer_malformed");
}

TEST_F(KeyClientTest, TheServicesErrorsAreTold) {
  status_ = 400;
  answer_ = {{"__type", "AccessDeniedException"}, {"Message", "not this program"}};
  absl::Status status = Client().Decrypt(AsBytes("blob"), {}).status();
  EXPECT_EQ(ErrorCode(status), "key_refused");
  EXPECT_TRUE(absl::IsPermissionDenied(status));
  EXPECT_NE(Explain(status).found.find("not this program"), std::string::npos);
  answer_ = {{"__type", "com.amazonaws.kms#AccessDeniedException"}, {"message", "m"}};
  EXPECT_EQ(ErrorCode(Client().Decrypt(AsBytes("blob"), {}).status()), "key_refused");
  answer_ = {{"__type", "KMSInternalException"}};
  EXPECT_EQ(ErrorCode(Client().Decrypt(AsBytes("blob"), {}).status()), "key_service_error");
  answer_ = json::array();
  EXPECT_EQ(ErrorCode(Client().Decrypt(AsBytes("blob"), {}).status()), "key_service_error");
  status_ = 200;
  EXPECT_EQ(ErrorCode(Client().Decrypt(AsBytes("blob"), {}).status()), "key_answer_malformed");
  answer_ = {{"CiphertextForRecipient", 7}};
  EXPECT_EQ(ErrorCode(Client().Decrypt(AsBytes("blob"), {}).status()), "key_answer_malformed");
}

TEST(AccessKeyTest, IsReadStrictly) {
  const absl::StatusOr<AccessKey> key = ParseAccessKey(AsBytes(
      R"({"format": "sealfold-access-key-1", "access_key_id": "A", "secret_access_key": "s"})"));
  ASSERT_TRUE(key.ok()) << key.status();
  EXPECT_EQ(key->id, "A");
  EXPECT_EQ(AsText(key->secret.span()), "s");
  const absl::StatusOr<AccessKey> temporary = ParseAccessKey(AsBytes(
      R"({"format": "sealfold-access-key-1", "access_key_id": "A", "secret_access_key": "s",
          "session_token": "t"})"));
  ASSERT_TRUE(temporary.ok()) << temporary.status();
  EXPECT_EQ(temporary->session_token, "t");
  for (const char* bad :
       {"", "{}", R"({"format": "x", "access_key_id": "A", "secret_access_key": "s"})",
        R"({"format": "sealfold-access-key-1", "access_key_id": "A"})",
        R"({"format": "sealfold-access-key-1", "access_key_id": "A", "secret_access_key": "s",
            "more": "x"})"}) {
    EXPECT_FALSE(ParseAccessKey(AsBytes(bad)).ok()) << bad;
  }
}

}  // namespace
}  // namespace sealfold
