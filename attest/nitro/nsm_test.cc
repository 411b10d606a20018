#include "attest/nitro/nsm.h"

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "attest/nitro/nitro_verifier.h"
#include "attest/testing/devices/nsm_stand_in.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

class NsmTest : public ::testing::Test {
 protected:
  Nsm Client() {
    return {"of a test", [this](ByteSpan request) -> absl::StatusOr<Bytes> {
              ++asked_;
              return device_.Answer(request);
            }};
  }
  // A device that gives the same answer to everything.
  static Nsm Answering(const NsmResponse& response) {
    return {"of a test", [bytes = EncodeNsmResponse(response)](ByteSpan) -> absl::StatusOr<Bytes> {
              return bytes;
            }};
  }

  NsmStandIn device_;
  int asked_ = 0;
};

TEST_F(NsmTest, DescribesItself) {
  const absl::StatusOr<NsmDescribeResponse> description = Client().Describe();
  ASSERT_TRUE(description.ok()) << description.status();
  EXPECT_EQ(description->module_id, "test-module");
  EXPECT_EQ(description->max_pcrs, 32);
  EXPECT_EQ(description->locked_pcrs.size(), 16U);
}

TEST_F(NsmTest, ExtendsAndLocksARegister) {
  Nsm nsm = Client();
  Bytes value(48);
  for (absl::string_view data : {"first", "second"}) {
    const absl::StatusOr<Bytes> extended = nsm.ExtendPcr(16, AsBytes(data));
    ASSERT_TRUE(extended.ok()) << extended.status();
    Append(value, AsBytes(data));
    value = ToBytes(Sha384(value).span());
    EXPECT_EQ(*extended, value);
  }
  ASSERT_TRUE(nsm.DescribePcr(16).ok());
  EXPECT_EQ(nsm.DescribePcr(16)->data, value);
  EXPECT_FALSE(nsm.DescribePcr(16)->lock);
  EXPECT_TRUE(nsm.LockPcr(16).ok());
  EXPECT_TRUE(nsm.DescribePcr(16)->lock);
  EXPECT_EQ(ErrorCode(nsm.ExtendPcr(16, AsBytes("third")).status()), "attester_read_only_index");
  EXPECT_EQ(ErrorCode(nsm.LockPcr(16)), "attester_read_only_index");
  EXPECT_EQ(nsm.DescribePcr(16)->data, value);

  EXPECT_TRUE(nsm.LockPcrs(20).ok());
  EXPECT_TRUE(nsm.DescribePcr(19)->lock);
  EXPECT_FALSE(nsm.DescribePcr(20)->lock);
  EXPECT_EQ(ErrorCode(nsm.DescribePcr(32).status()), "attester_invalid_index");
  EXPECT_EQ(ErrorCode(nsm.LockPcrs(33)), "attester_invalid_index");
}

TEST_F(NsmTest, GivesRandomBytes) {
  Nsm nsm = Client();
  const absl::StatusOr<Bytes> first = nsm.Random();
  const absl::StatusOr<Bytes> second = nsm.Random();
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->size(), 256U);
  EXPECT_NE(*first, *second);
  EXPECT_EQ(ErrorCode(Answering(NsmRandomResponse{}).Random().status()), "attester_malformed");
}

TEST_F(NsmTest, AttestsWhatAVerifierAccepts) {
  absl::StatusOr<std::unique_ptr<Attester>> attester = MakeNsmAttester(Client());
  ASSERT_TRUE(attester.ok()) << attester.status();
  EXPECT_EQ((*attester)->platform(), "aws-nitro");
  const absl::StatusOr<Bytes> document =
      (*attester)->Attest(AsBytes("nonce"), AsBytes("data"), AsBytes("key"));
  ASSERT_TRUE(document.ok()) << document.status();
  EvidenceExpectation expectation = ForgeExpectation();
  expectation.user_data = ToBytes(AsBytes("data"));
  expectation.public_key = ToBytes(AsBytes("key"));
  EXPECT_TRUE(VerifyEvidence(*document, device_.chain().Policy(), expectation).passed());
  expectation.user_data = ToBytes(AsBytes("other"));
  EXPECT_FALSE(VerifyEvidence(*document, device_.chain().Policy(), expectation).passed());
}

TEST_F(NsmTest, LeavesOutWhatIsEmpty) {
  absl::StatusOr<std::unique_ptr<Attester>> attester = MakeNsmAttester(Client());
  ASSERT_TRUE(attester.ok());
  const absl::StatusOr<NitroDocument> content =
      ParseNitroDocument((*attester)->Attest(AsBytes("nonce"), {}, {}).value());
  ASSERT_TRUE(content.ok()) << content.status();
  EXPECT_FALSE(content->user_data.has_value());
  EXPECT_FALSE(content->public_key.has_value());
}

TEST_F(NsmTest, RefusesTooLargeARequestItself) {
  Nsm nsm = Client();
  EXPECT_EQ(ErrorCode(nsm.Attest({.user_data = Bytes(513)}).status()), "attester_input_too_large");
  EXPECT_EQ(asked_, 1);
  EXPECT_EQ(ErrorCode(nsm.ExtendPcr(16, Bytes(kNsmRequestSizeMax)).status()),
            "attester_input_too_large");
  EXPECT_EQ(asked_, 1);  // it never came to the device
}

TEST_F(NsmTest, EveryErrorHasItsName) {
  const char* codes[] = {
      "attester_success",          "attester_invalid_argument", "attester_invalid_index",
      "attester_invalid_response", "attester_read_only_index",  "attester_invalid_operation",
      "attester_buffer_too_small", "attester_input_too_large",  "attester_internal_error"};
  int i = 0;
  for (const char* code : codes) {
    const absl::Status status = Answering(static_cast<NsmError>(i++)).Describe().status();
    EXPECT_EQ(ErrorCode(status), code);
    EXPECT_TRUE(absl::IsUnavailable(status));
  }
}

TEST_F(NsmTest, RefusesAnAnswerToAnotherRequest) {
  EXPECT_EQ(ErrorCode(Answering(NsmLockPcrsResponse{}).LockPcr(16)), "attester_malformed");
  EXPECT_EQ(ErrorCode(Answering(NsmRandomResponse{.random = {1}}).Attest({}).status()),
            "attester_malformed");
  Nsm nsm("of a test", [](ByteSpan) -> absl::StatusOr<Bytes> { return Bytes{0xff}; });
  EXPECT_EQ(ErrorCode(nsm.Describe().status()), "attester_malformed");
}

TEST_F(NsmTest, AnotherVersionIsNotUsed) {
  NsmDescribeResponse description{.version_major = 1, .module_id = "m", .digest = "SHA384"};
  EXPECT_TRUE(MakeNsmAttester(Answering(description)).ok());
  description.version_major = 2;
  EXPECT_EQ(ErrorCode(MakeNsmAttester(Answering(description)).status()), "attester_version");
  description.version_major = 1;
  description.digest = "SHA256";
  EXPECT_EQ(ErrorCode(MakeNsmAttester(Answering(description)).status()), "attester_version");
}

}  // namespace
}  // namespace sealfold
