#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "protocol/cbor/fields.h"

namespace sealfold::cbor {
namespace {

Bytes Hex(absl::string_view hex) { return *HexDecode(hex); }

TEST(CborTest, Rfc8949AppendixAExamplesRoundTrip) {
  for (const char* hex : {"00",
                          "01",
                          "0a",
                          "17",
                          "1818",
                          "1903e8",
                          "1a000f4240",
                          "1b000000e8d4a51000",
                          "1bffffffffffffffff",
                          "3bffffffffffffffff",
                          "20",
                          "3863",
                          "3903e7",
                          "f90000",
                          "f98000",
                          "f93c00",
                          "fb3ff199999999999a",
                          "f93e00",
                          "f97bff",
                          "fa47c35000",
                          "fa7f7fffff",
                          "fb7e37e43c8800759c",
                          "f90001",
                          "f90400",
                          "f9c400",
                          "f97c00",
                          "f9fc00",
                          "f4",
                          "f5",
                          "f6",
                          "40",
                          "4401020304",
                          "60",
                          "6161",
                          "6449455446",
                          "62225c",
                          "62c3bc",
                          "63e6b0b4",
                          "64f0908591",
                          "80",
                          "83010203",
                          "8301820203820405",
                          "a0",
                          "a201020304",
                          "a26161016162820203",
                          "826161a161626163"}) {
    absl::StatusOr<Value> value = ParseDeterministic(Hex(hex));
    ASSERT_TRUE(value.ok()) << hex << ": " << value.status();
    EXPECT_EQ(HexEncode(Encode(*value)), hex);
  }
}

TEST(CborTest, NonDeterministicEncodingsAreRefused) {
  for (const char* hex : {"1800", "190001", "fb3ff0000000000000", "fa3f800000", "9f01ff",
                          "bf6161 01ff", "a2616201616101", "5801aa", "7f6161ff"}) {
    std::string clean(hex);
    clean.erase(std::remove(clean.begin(), clean.end(), ' '), clean.end());
    EXPECT_FALSE(ParseDeterministic(Hex(clean)).ok()) << hex;
  }
}

TEST(CborTest, TolerantReadsIndefiniteContainersAndAnyKeyOrder) {
  absl::StatusOr<Value> value = ParseTolerant(Hex("bf616201616182f59f0102ffff"));
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(*value->Find("b")->as_unsigned(), 1u);
  EXPECT_EQ((*value->Find("a")->as_array())[1].as_array()->size(), 2u);
}

TEST(CborTest, NumbersAndLengthsTakeTheFewestBytes) {
  for (const char* hex : {"17", "1818", "18ff", "190100", "19ffff", "1a00010000", "1affffffff",
                          "1b0000000100000000", "3818", "390100", "fb3ff0000000000000", "f93c00"}) {
    EXPECT_TRUE(ParseTolerant(Hex(hex)).ok()) << hex;
  }
  for (const char* hex :
       {"1800", "1817", "190000", "1900ff", "1a00000000", "1a0000ffff", "1b0000000000000000",
        "1b00000000ffffffff", "3817", "3900ff", "580100", "590001ff", "780161", "980100",
        "9900 0100", "b8016161 00", "1b", "a1 1800 00", "81 1817"}) {
    std::string clean(hex);
    clean.erase(std::remove(clean.begin(), clean.end(), ' '), clean.end());
    EXPECT_EQ(ErrorCode(ParseTolerant(Hex(clean)).status()),
              clean == "1b" ? "cbor_truncated" : "cbor_not_shortest")
        << hex;
    EXPECT_FALSE(ParseDeterministic(Hex(clean)).ok()) << hex;
  }
}

TEST(CborTest, NeitherReadsWhatIsRefusedAlways) {
  for (const char* hex : {"c001",  // tag
                          "f7",    // undefined
                          "f0",
                          "f820",            // simple values
                          "f97e00",          // NaN
                          "5f4101ff",        // chunked bytes
                          "7f6161ff",        // chunked text
                          "a2616101616102",  // doubled key
                          "bf616101616102ff",
                          "a14101 01",  // key of bytes
                          "0000",       // trailing
                          "ff",
                          "81ff",
                          "bf6161ff",
                          "61ff",
                          "62c080",
                          "63eda080",
                          "1c",
                          "",
                          "18",
                          "4401",
                          "9b00ffffffffffffff",
                          "bbffffffffffffffff",
                          "5bffffffffffffffff",
                          "818181818181818181818100"}) {
    std::string clean(hex);
    clean.erase(std::remove(clean.begin(), clean.end(), ' '), clean.end());
    EXPECT_FALSE(ParseTolerant(Hex(clean)).ok()) << hex;
    EXPECT_FALSE(ParseDeterministic(Hex(clean)).ok()) << hex;
  }
}

TEST(CborTest, LimitsAreKept) {
  Bytes many = {0x98, 200};
  many.resize(202, 0x00);
  EXPECT_TRUE(ParseTolerant(many).ok());
  EXPECT_EQ(ErrorCode(ParseTolerant(many, {.items_max = 200}).status()), "cbor_too_many_items");
  EXPECT_EQ(ErrorCode(ParseTolerant(many, {.size_bytes_max = 201}).status()), "cbor_too_large");
  EXPECT_EQ(ErrorCode(ParseTolerant(Hex("818100"), {.depth_max = 1}).status()), "cbor_too_deep");
}

enum class Colour { kRed, kBlue };
absl::Span<const char* const> CborEnumNames(Colour) {
  static constexpr const char* kNames[] = {"red", "blue"};
  return kNames;
}

struct Inner {
  uint64_t n = 0;
  template <class V>
  void Fields(V& v) {
    v("n", n);
  }
  bool operator==(const Inner&) const = default;
};

struct Message {
  static constexpr char kType[] = "message";
  Digest digest;
  Round round;
  std::string text;
  std::vector<Inner> list;
  std::optional<Bytes> maybe;
  double real = 0;
  Colour colour = Colour::kRed;
  template <class V>
  void Fields(V& v) {
    v("digest", digest);
    v("round", round);
    v("text", text);
    v("list", list);
    v("maybe", maybe);
    v("real", real);
    v("colour", colour);
  }
};

Message Example() {
  Message m;
  m.digest.mutable_span()[3] = 7;
  m.round = Round(12);
  m.text = "wörd";
  m.list = {{1}, {UINT64_MAX}};
  m.maybe = Bytes{1, 2, 3};
  m.real = 0.1;
  m.colour = Colour::kBlue;
  return m;
}

TEST(FieldsTest, RoundTrips) {
  Message m = Example();
  Bytes bytes = EncodeFields(m);
  EXPECT_EQ(*PeekType(bytes), "message");
  absl::StatusOr<Message> back = DecodeFields<Message>(bytes);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->digest, m.digest);
  EXPECT_EQ(back->round, m.round);
  EXPECT_EQ(back->text, m.text);
  EXPECT_EQ(back->list, m.list);
  EXPECT_EQ(back->maybe, m.maybe);
  EXPECT_EQ(back->real, m.real);
  EXPECT_EQ(back->colour, m.colour);
  m.maybe.reset();
  back = DecodeFields<Message>(EncodeFields(m));
  ASSERT_TRUE(back.ok());
  EXPECT_FALSE(back->maybe.has_value());
}

TEST(FieldsTest, EveryTruncationIsRefusedAndEveryFlipThatDecodesReencodesAsItself) {
  Bytes bytes = EncodeFields(Example());
  for (size_t n = 0; n < bytes.size(); ++n) {
    EXPECT_FALSE(DecodeFields<Message>(ByteSpan(bytes).first(n)).ok()) << n;
  }
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes flipped = bytes;
      flipped[i] ^= static_cast<uint8_t>(1 << bit);
      absl::StatusOr<Message> m = DecodeFields<Message>(flipped);
      if (m.ok()) {
        EXPECT_EQ(EncodeFields(*m), flipped) << i;
      }
    }
  }
}

TEST(FieldsTest, ErrorsNameTheField) {
  auto decode = [](Map map) {
    map.emplace_back(Value::Text("type"), Value::Text("message"));
    return DecodeFields<Message>(Encode(Value::OfMap(std::move(map)))).status();
  };
  EXPECT_EQ(ErrorCode(decode({})), "field_missing");
  EXPECT_EQ(Explain(decode({{Value::Text("digest"), Value::Text("x")}})).what, "field digest");
  absl::StatusOr<Value> value = ParseDeterministic(EncodeFields(Example()));
  Map map = *value->as_map();
  map.emplace_back(Value::Text("extra"), Value());
  absl::Status unknown = DecodeFields<Message>(Encode(Value::OfMap(map))).status();
  EXPECT_EQ(ErrorCode(unknown), "field_unknown");
  EXPECT_EQ(Explain(unknown).what, "field extra");
  EXPECT_EQ(ErrorCode(DecodeFields<Message>(Encode(Value::OfArray({}))).status()), "field_missing");
  Inner inner{5};
  EXPECT_FALSE(DecodeFields<Message>(EncodeFields(inner)).ok());
}

TEST(CborTest, RandomBytesNeverReadAsSomethingElse) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937_64 rng(seed);
  for (int i = 0; i < 20000; ++i) {
    Bytes bytes(rng() % 24);
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(rng());
    absl::StatusOr<Value> value = ParseDeterministic(bytes);
    if (value.ok()) {
      EXPECT_EQ(Encode(*value), bytes);
    }
  }
}

}  // namespace
}  // namespace sealfold::cbor
