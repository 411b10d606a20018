#include "attest/software/server/softnsm.h"

#include <gtest/gtest.h>

#include "attest/nitro/document.h"
#include "attest/testing/programs/raw_client.h"
#include "attest/testing/vectors.h"
#include "attest/verifier.h"
#include "protocol/cbor/value.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

constexpr uint64_t kNow_ms = 1'780'272'000'123;

class SoftnsmTest : public testing::Test {
 protected:
  SoftnsmTest() : softnsm_(Authority::Open(dir_.Path("state"), kNow_ms).value(), "softnsm-test") {
    caller_ = *Measurement::From(Bytes(48, 0x5a));
  }

  NsmResponse AnswerBytes(ByteSpan request, uint64_t now_ms = kNow_ms) {
    Bytes response = softnsm_.Answer(
        request,
        [this]() -> absl::StatusOr<Measurement> {
          ++measured_;
          return caller_;
        },
        now_ms);
    EXPECT_LE(response.size(), kNsmResponseSizeMax);
    return ParseNsmResponse(response).value();
  }
  NsmResponse Answer(const NsmRequest& request, uint64_t now_ms = kNow_ms) {
    return AnswerBytes(EncodeNsmRequest(request), now_ms);
  }
  EvidencePolicy Policy() const {
    return {.platform = "sealfold-softnsm",
            .root_pem = softnsm_.root().Pem(),
            .reference_values = {{.name = "caller", .registers = {{0, Bytes(48, 0x5a)}}}}};
  }

  TempDir dir_;
  Softnsm softnsm_;
  absl::StatusOr<Measurement> caller_;
  int measured_ = 0;
};

TEST_F(SoftnsmTest, DocumentsCarryTheCallersMeasurementAndWhatItAskedFor) {
  // The greatest of each; also long after the leaf expired, and with the clock set back.
  const Bytes user_data(512, 1);
  const Bytes nonce(512, 2);
  const Bytes public_key(1024, 3);
  for (uint64_t now_ms : {kNow_ms, kNow_ms + 50'000'000, kNow_ms - 50'000'000}) {
    NsmResponse response = Answer(
        NsmAttestationRequest{.user_data = user_data, .nonce = nonce, .public_key = public_key},
        now_ms);
    ASSERT_EQ(Kind(response), "a document");
    const Bytes& document = std::get<NsmAttestationResponse>(response).document;
    Verdict verdict = VerifyEvidence(
        document, Policy(),
        {.nonce = nonce, .user_data = user_data, .public_key = public_key, .now_ms = now_ms});
    EXPECT_TRUE(verdict.passed()) << verdict.status();
    EXPECT_EQ(verdict.claims.timestamp_ms, now_ms);
    EXPECT_EQ(verdict.claims.module_id, "softnsm-test");
    ASSERT_EQ(verdict.claims.registers.size(), 16U);
    for (uint32_t i = 1; i < 16; ++i) EXPECT_EQ(verdict.claims.registers.at(i), Bytes(48));
  }
}

TEST_F(SoftnsmTest, AbsentFieldsAreAbsentInTheDocument) {
  NsmResponse response = Answer(NsmAttestationRequest{});
  auto document = ParseNitroDocument(std::get<NsmAttestationResponse>(response).document);
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_EQ(document->nonce, std::nullopt);
  EXPECT_EQ(document->user_data, std::nullopt);
  EXPECT_EQ(document->public_key, std::nullopt);
}

TEST_F(SoftnsmTest, ACallerThatCannotBeMeasuredGetsNoDocument) {
  caller_ = absl::PermissionDeniedError("unmeasured");
  EXPECT_EQ(Kind(Answer(NsmAttestationRequest{})), "InvalidOperation");
  EXPECT_EQ(Kind(Answer(NsmDescribePcrRequest{.index = 0})), "InvalidOperation");
  EXPECT_EQ(Kind(Answer(NsmDescribePcrRequest{.index = 1})), "another response");
}

TEST_F(SoftnsmTest, TooLargePartsAreRefused) {
  EXPECT_EQ(Kind(Answer(NsmAttestationRequest{.user_data = Bytes(513)})), "InputTooLarge");
  EXPECT_EQ(Kind(Answer(NsmAttestationRequest{.nonce = Bytes(513)})), "InputTooLarge");
  EXPECT_EQ(Kind(Answer(NsmAttestationRequest{.public_key = Bytes(1025)})), "InputTooLarge");
  EXPECT_EQ(Kind(AnswerBytes(Bytes(0x1001))), "InputTooLarge");
  EXPECT_EQ(Kind(AnswerBytes(Bytes(0x1000))), "InvalidArgument");
  EXPECT_EQ(Kind(Answer(NsmAttestationRequest{.public_key = Bytes()})), "InvalidArgument");
  EXPECT_EQ(measured_, 0);
}

TEST_F(SoftnsmTest, DescribesItself) {
  NsmResponse response = Answer(NsmDescribeRequest{});
  const auto& description = std::get<NsmDescribeResponse>(response);
  EXPECT_EQ(description.module_id, "softnsm-test");
  EXPECT_EQ(description.digest, "SHA384");
  EXPECT_EQ(description.max_pcrs, 16);
  EXPECT_EQ(description.locked_pcrs.size(), 16U);
}

TEST_F(SoftnsmTest, DescribesRegisters) {
  NsmResponse zero = Answer(NsmDescribePcrRequest{.index = 0});
  EXPECT_EQ(std::get<NsmDescribePcrResponse>(zero).data, Bytes(48, 0x5a));
  EXPECT_TRUE(std::get<NsmDescribePcrResponse>(zero).lock);
  NsmResponse last = Answer(NsmDescribePcrRequest{.index = 15});
  EXPECT_EQ(std::get<NsmDescribePcrResponse>(last).data, Bytes(48));
  EXPECT_EQ(Kind(Answer(NsmDescribePcrRequest{.index = 16})), "InvalidIndex");
}

TEST_F(SoftnsmTest, RegistersCannotBeSet) {
  using cbor::Value;
  const auto ask = [&](const char* name, cbor::Map fields) {
    return Kind(AnswerBytes(
        cbor::Encode(Value::OfMap({{Value::Text(name), Value::OfMap(std::move(fields))}}))));
  };
  EXPECT_EQ(ask("ExtendPCR", {{Value::Text("index"), Value::Unsigned(0)},
                              {Value::Text("data"), Value::OfBytes(Bytes(48, 1))}}),
            "InvalidOperation");
  EXPECT_EQ(ask("LockPCR", {{Value::Text("index"), Value::Unsigned(0)}}), "InvalidOperation");
  EXPECT_EQ(ask("Attestation", {{Value::Text("pcrs"), Value::OfMap({})}}), "InvalidArgument");
  NsmResponse zero = Answer(NsmDescribePcrRequest{.index = 0});
  EXPECT_EQ(std::get<NsmDescribePcrResponse>(zero).data, Bytes(48, 0x5a));
}

TEST_F(SoftnsmTest, GivesFreshRandomBytes) {
  NsmResponse first = Answer(NsmRandomRequest{});
  NsmResponse second = Answer(NsmRandomRequest{});
  EXPECT_EQ(std::get<NsmRandomResponse>(first).random.size(), 256U);
  EXPECT_NE(std::get<NsmRandomResponse>(first).random, std::get<NsmRandomResponse>(second).random);
}

}  // namespace
}  // namespace sealfold
