#include "protocol/cose/sign1.h"

#include <gtest/gtest.h>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

using cbor::Value;

constexpr char kContext[] = "sealfold test 1";

SigningKey Key(uint8_t seed = 5) {
  return SigningKey::FromSeed(Secret::CopyOf(Bytes(SigningKey::kSeedSize, seed)));
}

// A Sign1 of any header, well signed over what it says.
Bytes SignedWith(const Value& protected_header, const Value& unprotected) {
  const Bytes header = cbor::Encode(protected_header);
  const Signature signature = Key().Sign(SigStructure(header, AsBytes(kContext), AsBytes("p")));
  return cbor::Encode(
      Value::OfArray({Value::OfBytes(header), unprotected, Value::OfBytes(AsBytes("p")),
                      Value::OfBytes(signature.span())}));
}

TEST(Sign1Test, RoundTripOfPayloads) {
  for (size_t size : {0, 1, 23, 24, 255, 256, 70000}) {
    const Bytes payload(size, 0xa5);
    const Bytes bytes = SignSign1(Key(), kContext, payload);
    const auto opened = OpenSign1(bytes, kContext);
    ASSERT_TRUE(opened.ok()) << opened.status();
    EXPECT_EQ(opened->payload, payload);
    EXPECT_EQ(opened->signer, Key().public_key());
  }
}

// The layout that docs/PROTOCOL.md promises: made by hand from RFC 9052, not by the code under
// test.
TEST(Sign1Test, Layout) {
  const Bytes bytes = SignSign1(Key(), kContext, AsBytes("hi"));
  const std::string header = "a20127045820" + Key().public_key().hex();
  const Bytes structure = HexDecode(
                              "84"
                              "6a5369676e617475726531"
                              "5826" +
                              header + "4f" + HexEncode(AsBytes(kContext)) + "426869")
                              .value();
  EXPECT_EQ(SigStructure(HexDecode(header).value(), AsBytes(kContext), AsBytes("hi")), structure);
  EXPECT_EQ(HexEncode(bytes),
            "84"
            "5826" +
                header +
                "a0"
                "426869"
                "5840" +
                Key().Sign(structure).hex());
}

TEST(Sign1Test, EveryOtherValueOfEveryByteIsRefused) {
  const Bytes good = SignSign1(Key(), kContext, AsBytes("p"));
  for (size_t i = 0; i < good.size(); ++i) {
    for (int delta = 1; delta < 256; ++delta) {
      Bytes bad = good;
      bad[i] = static_cast<uint8_t>(bad[i] + delta);
      EXPECT_FALSE(OpenSign1(bad, kContext).ok()) << "byte " << i;
    }
  }
}

TEST(Sign1Test, EveryTruncationAndAnyTailIsRefused) {
  const Bytes good = SignSign1(Key(), kContext, AsBytes("a payload"));
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(OpenSign1(ByteSpan(good).first(size), kContext).status().code(),
              absl::StatusCode::kInvalidArgument)
        << size;
  }
  Bytes longer = good;
  longer.push_back(0);
  EXPECT_EQ(OpenSign1(longer, kContext).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Sign1Test, AnotherContextOrSignerIsRefused) {
  const Bytes good = SignSign1(Key(), kContext, AsBytes("p"));
  for (const char* context : {"", "sealfold test", "sealfold test 2", "sealfold test 11"}) {
    const absl::Status status = OpenSign1(good, context).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
    EXPECT_EQ(ErrorCode(status), "signature_wrong");
  }
  // Another's key put in the header: the signature does not follow.
  Bytes bad = good;
  const SigningPublicKey key = Key(6).public_key();
  const ByteSpan other = key.span();
  std::copy(other.begin(), other.end(), bad.begin() + 1 + 2 + 6);
  EXPECT_EQ(ErrorCode(OpenSign1(bad, kContext).status()), "signature_wrong");
}

TEST(Sign1Test, OnlyOneHeaderIsRightEvenWhenWellSigned) {
  const Value key = Value::OfBytes(Key().public_key().span());
  const Value empty = Value::OfMap({});
  const auto code = [](const Bytes& bytes) {
    return ErrorCode(OpenSign1(bytes, kContext).status());
  };
  EXPECT_EQ(code(SignedWith(Value::OfMap({{Value::Int(1), Value::Int(-8)}, {Value::Int(4), key}}),
                            empty)),
            "");
  for (const Value& header : {
           Value::OfMap({{Value::Int(1), Value::Int(-7)}, {Value::Int(4), key}}),  // ES256
           Value::OfMap({{Value::Int(4), key}}),
           Value::OfMap({{Value::Int(1), Value::Int(-8)}}),
           Value::OfMap({}),
           Value::OfMap({{Value::Int(1), Value::Int(-8)},
                         {Value::Int(2), Value::OfArray({Value::Int(9)})},  // crit
                         {Value::Int(4), key}}),
           Value::OfArray({Value::Int(-8), key}),
       }) {
    EXPECT_EQ(code(SignedWith(header, empty)), "cose_malformed");
  }
  const Value right = Value::OfMap({{Value::Int(1), Value::Int(-8)}, {Value::Int(4), key}});
  EXPECT_EQ(code(SignedWith(right, Value::OfMap({{Value::Int(5), Value::Int(1)}}))),
            "cose_malformed");
  EXPECT_EQ(code(SignedWith(right, Value())), "cose_malformed");
}

TEST(Sign1Test, OtherShapes) {
  const Value text = Value::Text("x");
  const Value bytes = Value::OfBytes(AsBytes("x"));
  const Value map = Value::OfMap({});
  for (const Value& value : {
           Value(),
           map,
           Value::OfArray({}),
           Value::OfArray({bytes, map, bytes}),
           Value::OfArray({bytes, map, bytes, bytes, bytes}),
           Value::OfArray({text, map, bytes, bytes}),
           Value::OfArray({bytes, map, Value(), bytes}),
           Value::OfArray({bytes, map, bytes, text}),
           Value::OfArray({bytes, map, bytes, bytes}),
       }) {
    EXPECT_EQ(ErrorCode(OpenSign1(cbor::Encode(value), kContext).status()), "cose_malformed");
  }
  // Tag 18 is for COSE out of context; ours always has one.
  Bytes tagged = {0xd2};
  Append(tagged, SignSign1(Key(), kContext, {}));
  EXPECT_EQ(OpenSign1(tagged, kContext).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Sign1Test, SizeIsBounded) {
  const Bytes bytes = SignSign1(Key(), kContext, Bytes(1000));
  EXPECT_TRUE(OpenSign1(bytes, kContext, bytes.size()).ok());
  EXPECT_EQ(OpenSign1(bytes, kContext, bytes.size() - 1).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace sealfold
