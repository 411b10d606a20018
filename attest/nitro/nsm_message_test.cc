#include "attest/nitro/nsm_message.h"

#include <gtest/gtest.h>

#include "protocol/base/error.h"
#include "protocol/cbor/value.h"

namespace sealfold {
namespace {

using cbor::Value;

Bytes Named(absl::string_view name, Value fields) {
  return cbor::Encode(Value::OfMap({{Value::Text(name), std::move(fields)}}));
}

template <class T, class V>
T As(const absl::StatusOr<V>& message) {
  EXPECT_TRUE(message.ok()) << message.status();
  EXPECT_TRUE(std::holds_alternative<T>(*message));
  return std::get<T>(*message);
}

// As serde_cbor writes them in AWS's own client.
TEST(NsmMessageTest, RequestsAreSerdesEncoding) {
  EXPECT_EQ(HexEncode(EncodeNsmRequest(NsmDescribeRequest{})), "6b44657363726962654e534d");
  EXPECT_EQ(HexEncode(EncodeNsmRequest(NsmRandomRequest{})), "6947657452616e646f6d");
  EXPECT_EQ(HexEncode(EncodeNsmRequest(NsmDescribePcrRequest{.index = 3})),
            "a16b4465736372696265504352a165696e64657803");
  EXPECT_EQ(HexEncode(EncodeNsmRequest(NsmLockPcrRequest{.index = 16})),
            "a1674c6f636b504352a165696e64657810");
  EXPECT_EQ(HexEncode(EncodeNsmRequest(NsmLockPcrsRequest{.range = 16})),
            "a1684c6f636b50435273a16572616e676510");
  Value extend =
      cbor::ParseTolerant(EncodeNsmRequest(NsmExtendPcrRequest{.index = 16, .data = Bytes{7}}))
          .value();
  const Value* extended = extend.Find("ExtendPCR");
  ASSERT_NE(extended, nullptr);
  EXPECT_EQ(extended->as_map()->size(), 2U);
  EXPECT_EQ(*extended->Find("index")->as_unsigned(), 16U);
  EXPECT_EQ(*extended->Find("data")->as_bytes(), Bytes{7});
  Value attestation =
      cbor::ParseTolerant(EncodeNsmRequest(NsmAttestationRequest{.nonce = Bytes{1}})).value();
  const Value* fields = attestation.Find("Attestation");
  ASSERT_NE(fields, nullptr);
  EXPECT_EQ(fields->as_map()->size(), 3U);
  EXPECT_TRUE(fields->Find("user_data")->is_null());
  EXPECT_TRUE(fields->Find("public_key")->is_null());
  EXPECT_EQ(*fields->Find("nonce")->as_bytes(), Bytes{1});
}

TEST(NsmMessageTest, RequestsReadBack) {
  auto attestation = As<NsmAttestationRequest>(ParseNsmRequest(EncodeNsmRequest(
      NsmAttestationRequest{.user_data = Bytes{1}, .nonce = Bytes{}, .public_key = std::nullopt})));
  EXPECT_EQ(attestation.user_data, Bytes{1});
  EXPECT_EQ(attestation.nonce, Bytes{});
  EXPECT_EQ(attestation.public_key, std::nullopt);
  EXPECT_EQ(As<NsmDescribePcrRequest>(
                ParseNsmRequest(EncodeNsmRequest(NsmDescribePcrRequest{.index = 65535})))
                .index,
            65535);
  As<NsmDescribeRequest>(ParseNsmRequest(EncodeNsmRequest(NsmDescribeRequest{})));
  As<NsmRandomRequest>(ParseNsmRequest(EncodeNsmRequest(NsmRandomRequest{})));
  auto extend = As<NsmExtendPcrRequest>(
      ParseNsmRequest(EncodeNsmRequest(NsmExtendPcrRequest{.index = 17, .data = Bytes{1, 2}})));
  EXPECT_EQ(extend.index, 17);
  EXPECT_EQ(extend.data, (Bytes{1, 2}));
  EXPECT_EQ(
      As<NsmLockPcrRequest>(ParseNsmRequest(EncodeNsmRequest(NsmLockPcrRequest{.index = 5}))).index,
      5);
  EXPECT_EQ(
      As<NsmLockPcrsRequest>(ParseNsmRequest(EncodeNsmRequest(NsmLockPcrsRequest{.range = 20})))
          .range,
      20);
}

TEST(NsmMessageTest, AbsentOptionalFieldsAreNone) {
  auto request = As<NsmAttestationRequest>(ParseNsmRequest(Named("Attestation", Value::OfMap({}))));
  EXPECT_EQ(request.nonce, std::nullopt);
}

TEST(NsmMessageTest, MalformedRequestsAreRefused) {
  const Bytes bad[] = {
      cbor::Encode(Value::Text("Attestation")),  // a variant with fields, without them
      cbor::Encode(Value::Text("describensm")),
      cbor::Encode(Value::Unsigned(1)),
      cbor::Encode(Value::OfArray({Value::Text("DescribeNSM")})),
      cbor::Encode(Value::OfMap({})),
      cbor::Encode(Value::OfMap({{Value::Unsigned(1), Value()}})),
      cbor::Encode(Value::OfMap(
          {{Value::Text("GetRandom"), Value()}, {Value::Text("DescribeNSM"), Value()}})),
      Named("GetRandom", Value()),
      Named("Attestation", Value()),
      Named("Attestation", Value::OfMap({{Value::Text("pcrs"), Value()}})),
      Named("Attestation", Value::OfMap({{Value::Text("nonce"), Value::Text("x")}})),
      Named("DescribePCR", Value::OfMap({})),
      Named("DescribePCR", Value::OfMap({{Value::Text("index"), Value::Int(-1)}})),
      Named("DescribePCR", Value::OfMap({{Value::Text("index"), Value::Unsigned(65536)}})),
      Named("DescribePCR", Value::OfMap({{Value::Text("index"), Value::Unsigned(1)},
                                         {Value::Text("value"), Value::Unsigned(1)}})),
      Named("SetPCR", Value::OfMap({})),
      Named("ExtendPCR", Value::OfMap({{Value::Text("index"), Value::Unsigned(1)}})),
      Named("LockPCR", Value::OfMap({{Value::Text("range"), Value::Unsigned(1)}})),
      Named("LockPCRs", Value::OfMap({{Value::Text("index"), Value::Unsigned(1)}})),
  };
  for (const Bytes& bytes : bad) {
    EXPECT_EQ(ErrorCode(ParseNsmRequest(bytes).status()), "nsm_request_malformed")
        << HexEncode(bytes);
  }
  EXPECT_EQ(ErrorCode(ParseNsmRequest({}).status()), "cbor_truncated");
  EXPECT_EQ(ErrorCode(ParseNsmRequest(Bytes(0x1001)).status()), "cbor_too_large");
}

TEST(NsmMessageTest, ResponsesReadBack) {
  EXPECT_EQ(As<NsmAttestationResponse>(ParseNsmResponse(EncodeNsmResponse(
                                           NsmAttestationResponse{.document = Bytes{1, 2}})))
                .document,
            (Bytes{1, 2}));
  auto pcr = As<NsmDescribePcrResponse>(
      ParseNsmResponse(EncodeNsmResponse(NsmDescribePcrResponse{.lock = true, .data = Bytes{9}})));
  EXPECT_TRUE(pcr.lock);
  EXPECT_EQ(pcr.data, Bytes{9});
  auto nsm = As<NsmDescribeResponse>(
      ParseNsmResponse(EncodeNsmResponse(NsmDescribeResponse{.version_major = 1,
                                                             .version_minor = 2,
                                                             .version_patch = 3,
                                                             .module_id = "m",
                                                             .max_pcrs = 32,
                                                             .locked_pcrs = {0, 7},
                                                             .digest = "SHA384"})));
  EXPECT_EQ(nsm.version_patch, 3);
  EXPECT_EQ(nsm.module_id, "m");
  EXPECT_EQ(nsm.locked_pcrs, (std::vector<uint16_t>{0, 7}));
  EXPECT_EQ(As<NsmRandomResponse>(
                ParseNsmResponse(EncodeNsmResponse(NsmRandomResponse{.random = Bytes{5}})))
                .random,
            Bytes{5});
  EXPECT_EQ(As<NsmExtendPcrResponse>(
                ParseNsmResponse(EncodeNsmResponse(NsmExtendPcrResponse{.data = Bytes{6}})))
                .data,
            Bytes{6});
  As<NsmLockPcrResponse>(ParseNsmResponse(cbor::Encode(Value::Text("LockPCR"))));
  As<NsmLockPcrsResponse>(ParseNsmResponse(cbor::Encode(Value::Text("LockPCRs"))));
  As<NsmLockPcrResponse>(ParseNsmResponse(EncodeNsmResponse(NsmLockPcrResponse{})));
  As<NsmLockPcrsResponse>(ParseNsmResponse(EncodeNsmResponse(NsmLockPcrsResponse{})));
}

TEST(NsmMessageTest, EveryErrorReadsBack) {
  for (int i = 0; i <= static_cast<int>(NsmError::kInternalError); ++i) {
    const auto error = static_cast<NsmError>(i);
    EXPECT_EQ(As<NsmError>(ParseNsmResponse(EncodeNsmResponse(error))), error);
  }
  EXPECT_EQ(NsmErrorName(NsmError::kInvalidArgument), "InvalidArgument");
  EXPECT_EQ(NsmErrorName(NsmError::kInputTooLarge), "InputTooLarge");
  EXPECT_EQ(NsmErrorName(NsmError::kInternalError), "InternalError");
}

TEST(NsmMessageTest, MalformedResponsesAreRefused) {
  const Bytes bad[] = {
      cbor::Encode(Value::Text("GetRandom")),
      Named("LockPCR", Value::OfMap({})),
      Named("Attestation", Value::OfMap({})),
      Named("Attestation", Value::OfMap({{Value::Text("document"), Value()}})),
      Named("DescribeNSM", Value::OfMap({{Value::Text("digest"), Value::Text("SHA384")}})),
      Named("Error", Value::Text("Unheard")),
      Named("Error", Value::Unsigned(1)),
      Named("Document", Value::OfMap({})),
  };
  for (const Bytes& bytes : bad) {
    EXPECT_EQ(ErrorCode(ParseNsmResponse(bytes).status()), "nsm_response_malformed")
        << HexEncode(bytes);
  }
}

}  // namespace
}  // namespace sealfold
