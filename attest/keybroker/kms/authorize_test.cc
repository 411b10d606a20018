#include "attest/keybroker/kms/authorize.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr uint64_t kNow_ms = 1'440'938'160'000;  // 20150830T123600Z

class AuthorizeTest : public ::testing::Test {
 protected:
  AuthorizeTest() : store_(KeyStore::Create({{.platform = "aws-nitro"}}).value()) {
    id_ = store_.AddCaller("aggregator").value();
    Sign();
  }
  void Sign() {
    request_.headers.erase("authorization");
    request_.headers["authorization"] =
        SigV4Authorization(request_, scope_, id_, store_.SecretOf(*store_.FindCaller(id_)).span());
  }
  std::string Code(uint64_t now_ms = kNow_ms) {
    return ErrorCode(Authorize(store_, request_, now_ms).status());
  }

  KeyStore store_;
  std::string id_;
  SigV4Scope scope_ = {.date = "20150830", .region = "eu-central-1", .service = "kms"};
  SignedRequest request_ = {.headers = {{"host", "127.0.0.1"},
                                        {"x-amz-date", "20150830T123600Z"},
                                        {"x-amz-target", "TrentService.Decrypt"}},
                            .body = AsBytes("{}")};
};

TEST_F(AuthorizeTest, NamesWhoSigned) {
  const absl::StatusOr<std::string> caller = Authorize(store_, request_, kNow_ms);
  ASSERT_TRUE(caller.ok()) << caller.status();
  EXPECT_EQ(*caller, "aggregator");
}

TEST_F(AuthorizeTest, WhatWasChangedIsRefused) {
  request_.body = AsBytes("{ }");
  EXPECT_EQ(Code(), "signature_wrong");
  request_.body = AsBytes("{}");
  for (const char* header : {"host", "x-amz-target"}) {
    SignedRequest signed_request = request_;
    request_.headers[header] += "x";
    EXPECT_EQ(Code(), "signature_wrong") << header;
    request_ = signed_request;
  }
  std::string& authorization = request_.headers["authorization"];
  authorization.back() = authorization.back() == 'a' ? 'b' : 'a';
  EXPECT_EQ(Code(), "signature_wrong");
}

// Anyone may send a request with an id: what comes back says no name that goes with it.
TEST_F(AuthorizeTest, AWrongSignatureIsToldNoName) {
  request_.body = AsBytes("{ }");
  const absl::Status refused = Authorize(store_, request_, kNow_ms).status();
  EXPECT_EQ(ErrorCode(refused), "signature_wrong");
  EXPECT_EQ(refused.ToString().find("aggregator"), std::string::npos) << refused;
}

TEST_F(AuthorizeTest, WhatMustBeSignedIs) {
  for (const char* header : {"host", "x-amz-target"}) {
    SignedRequest whole = request_;
    request_.headers.erase(header);
    Sign();
    request_.headers[header] = whole.headers[header];
    EXPECT_EQ(Code(), "authorization_malformed") << header;
    request_ = whole;
  }
  scope_.service = "s3";
  Sign();
  EXPECT_EQ(Code(), "authorization_malformed");
  scope_.service = "kms";
  scope_.date = "20150831";
  Sign();
  EXPECT_EQ(Code(), "authorization_malformed");
}

TEST_F(AuthorizeTest, SignedHeadersAreThere) {
  request_.headers["x-more"] = "1";
  Sign();
  EXPECT_EQ(Code(), "");
  request_.headers.erase("x-more");
  EXPECT_EQ(Code(), "authorization_malformed");
}

TEST_F(AuthorizeTest, OldRequestsAreRefused) {
  EXPECT_EQ(Code(kNow_ms + kRequestAgeMsMax), "");
  EXPECT_EQ(Code(kNow_ms - kRequestAgeMsMax), "");
  EXPECT_EQ(Code(kNow_ms + kRequestAgeMsMax + 1), "request_stale");
  EXPECT_EQ(Code(kNow_ms - kRequestAgeMsMax - 1), "request_stale");
  request_.headers["x-amz-date"] = "yesterday";
  EXPECT_EQ(Code(), "date_malformed");
}

TEST_F(AuthorizeTest, WhoIsUnknownIsRefused) {
  std::string& authorization = request_.headers["authorization"];
  authorization = absl::StrReplaceAll(authorization, {{id_, "SFKBAAAAAAAAAAAAAAAA"}});
  EXPECT_EQ(Code(), "caller_unknown");
  authorization = "Basic abc";
  EXPECT_EQ(Code(), "authorization_malformed");
  request_.headers.erase("authorization");
  EXPECT_EQ(Code(), "authorization_missing");
}

}  // namespace
}  // namespace sealfold
