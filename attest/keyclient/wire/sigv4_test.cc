// Signatures that AWS published: its Signature Version 4 test suite, as aws-c-auth has it
// (post-vanilla, post-header-key-sort, get-header-value-trim, post-x-www-form-urlencoded), with the
// suite's credential.
#include "attest/keyclient/wire/sigv4.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr absl::string_view kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

SigV4Scope SuiteScope() {
  return {.date = "20150830", .region = "us-east-1", .service = "service"};
}

std::string SignatureOf(const SignedRequest& request) {
  const std::string header =
      SigV4Authorization(request, SuiteScope(), "AKIDEXAMPLE", AsBytes(kSecret));
  const absl::StatusOr<SigV4Credential> credential = ParseSigV4Authorization(header);
  EXPECT_TRUE(credential.ok()) << credential.status();
  EXPECT_EQ(credential->access_key_id, "AKIDEXAMPLE");
  EXPECT_EQ(credential->scope.Text(), SuiteScope().Text());
  return credential->signature;
}

SignedRequest Vanilla() {
  return {.headers = {{"host", "example.amazonaws.com"}, {"x-amz-date", "20150830T123600Z"}}};
}

TEST(SigV4Test, SignsAsAwsPublished) {
  EXPECT_EQ(SigV4Authorization(Vanilla(), SuiteScope(), "AKIDEXAMPLE", AsBytes(kSecret)),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, "
            "Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
  SignedRequest more = Vanilla();
  more.headers["my-header1"] = "value1";
  EXPECT_EQ(SignatureOf(more), "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c");
  SignedRequest trimmed = Vanilla();
  trimmed.method = "GET";
  trimmed.headers["my-header1"] = " value1";
  trimmed.headers["my-header2"] = " \"a   b   c\"";
  EXPECT_EQ(SignatureOf(trimmed),
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
  SignedRequest body = Vanilla();
  body.headers["content-type"] = "application/x-www-form-urlencoded";
  body.headers["content-length"] = "13";
  body.headers["x-amz-content-sha256"] =
      "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e";
  body.body = AsBytes("Param1=value1");
  EXPECT_EQ(SignatureOf(body), "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b");
}

TEST(SigV4Test, EverythingSignedChangesTheSignature) {
  const std::string plain = SignatureOf(Vanilla());
  SignedRequest changed = Vanilla();
  changed.path = "/other";
  EXPECT_NE(SignatureOf(changed), plain);
  changed = Vanilla();
  changed.method = "GET";
  EXPECT_NE(SignatureOf(changed), plain);
  changed = Vanilla();
  changed.body = AsBytes("x");
  EXPECT_NE(SignatureOf(changed), plain);
  changed = Vanilla();
  changed.headers["x-amz-target"] = "TrentService.Decrypt";
  EXPECT_NE(SignatureOf(changed), plain);
}

TEST(SigV4Test, AuthorizationsOfAnotherFormAreRefused) {
  const std::string hex(64, 'a');
  const std::string good = absl::StrCat(
      "AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, SignedHeaders=host, Signature=",
      hex);
  EXPECT_TRUE(ParseSigV4Authorization(good).ok());
  const std::string credential = "AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, ";
  for (const std::string& bad :
       {std::string(), std::string("Basic abc"), good + "0", good + ", More=1",
        absl::StrCat(credential, "SignedHeaders=host;host, Signature=", hex),
        absl::StrCat(credential, "SignedHeaders=host;a, Signature=", hex),
        absl::StrCat(credential, "SignedHeaders=host, Signature=", std::string(64, 'G')),
        absl::StrCat("AWS4-HMAC-SHA256 Credential=A/20150830/r/aws4_request, "
                     "SignedHeaders=host, Signature=",
                     hex),
        absl::StrCat("AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws5, SignedHeaders=host, "
                     "Signature=",
                     hex),
        std::string(4096, 'A')}) {
    EXPECT_EQ(ErrorCode(ParseSigV4Authorization(bad).status()), "authorization_malformed") << bad;
  }
}

TEST(SigV4Test, Times) {
  EXPECT_EQ(SigV4Time(1'440'938'160'000), "20150830T123600Z");
  EXPECT_EQ(ParseSigV4Time("20150830T123600Z").value(), 1'440'938'160'000U);
  for (const char* bad : {"", "20150830T123600", "20151330T123600Z", "20150830T12360 Z",
                          "2015-08-30T12:36", "19500830T123600Z"}) {
    EXPECT_EQ(ErrorCode(ParseSigV4Time(bad).status()), "date_malformed") << bad;
  }
}

}  // namespace
}  // namespace sealfold
