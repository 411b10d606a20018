#include "attest/nitro/document.h"

#include <gtest/gtest.h>

#include <functional>

#include "absl/strings/match.h"
#include "attest/software/authority/document_writer.h"
#include "attest/testing/forge/forge.h"
#include "attest/testing/vectors.h"
#include "protocol/base/error.h"
#include "protocol/cbor/value.h"

namespace sealfold {
namespace {

using cbor::Value;

// The payload of a good document, as a tree to change.
cbor::Map GoodPayload() {
  NitroDocument document = ParseNitroDocument(Chain::Make().Document()).value();
  return *cbor::ParseTolerant(document.payload)->as_map();
}

Value& Field(cbor::Map& payload, absl::string_view name) {
  for (auto& [key, value] : payload) {
    if (*key.as_text() == name) return value;
  }
  SEALFOLD_CHECK(false && "no such field");
  std::abort();
}

void Remove(cbor::Map& payload, absl::string_view name) {
  std::erase_if(payload, [&](const auto& entry) { return *entry.first.as_text() == name; });
}

Bytes Envelope(ByteSpan payload) {
  static const UniqueKey kKey = GenerateP384Key();
  return SignNitroPayload(payload, kKey.get());
}

std::string CodeOf(cbor::Map payload) {
  return ErrorCode(
      ParseNitroDocument(Envelope(cbor::Encode(Value::OfMap(std::move(payload))))).status());
}

std::string CodeWith(absl::string_view name, Value value) {
  cbor::Map payload = GoodPayload();
  Field(payload, name) = std::move(value);
  return CodeOf(std::move(payload));
}

Value BytesOf(size_t size) { return Value::OfBytes(Bytes(size, 1)); }

Value Registers(std::initializer_list<std::pair<Value, Value>> entries) {
  return Value::OfMap(cbor::Map(entries));
}

TEST(NitroDocumentTest, ReadsBackWhatIsWritten) {
  Chain chain = Chain::Make();
  NitroDocument content = chain.Content();
  content.user_data = Bytes{};
  content.public_key = Bytes(1024, 3);
  auto read = ParseNitroDocument(chain.Sign(content));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(read->module_id, content.module_id);
  EXPECT_EQ(read->timestamp_ms, content.timestamp_ms);
  EXPECT_EQ(read->registers, content.registers);
  EXPECT_EQ(read->certificate, content.certificate);
  EXPECT_EQ(read->cabundle, content.cabundle);
  EXPECT_EQ(read->public_key, content.public_key);
  EXPECT_EQ(read->user_data, Bytes{});
  EXPECT_EQ(read->nonce, content.nonce);
}

TEST(NitroDocumentTest, EveryFieldButTheOptionalOnesIsRequired) {
  for (const char* name : {"module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"}) {
    cbor::Map payload = GoodPayload();
    Remove(payload, name);
    EXPECT_EQ(CodeOf(payload), "document_field_missing") << name;
    EXPECT_NE(CodeWith(name, Value()), "") << name << " null";
    EXPECT_NE(CodeWith(name, Value::Bool(true)), "") << name << " of another type";
  }
  for (const char* name : {"public_key", "user_data", "nonce"}) {
    cbor::Map payload = GoodPayload();
    Remove(payload, name);
    EXPECT_EQ(CodeOf(payload), "") << name;
    EXPECT_EQ(CodeWith(name, Value()), "") << name << " null";
    EXPECT_EQ(CodeWith(name, Value::Text("x")), "document_field_type") << name;
  }
}

TEST(NitroDocumentTest, UnknownAndDoubledFieldsAreRefused) {
  cbor::Map payload = GoodPayload();
  payload.emplace_back(Value::Text("extra"), Value());
  EXPECT_EQ(CodeOf(payload), "document_field_unknown");
  payload.back().first = Value::Unsigned(1);
  EXPECT_EQ(CodeOf(payload), "document_field_unknown");

  // {"nonce": null, ..., "nonce": h'01'}: by hand, since our own encoder refuses to.
  Bytes doubled = cbor::Encode(Value::OfMap(GoodPayload()));
  ASSERT_EQ(doubled[0], 0xa9);
  doubled[0] = 0xaa;
  Append(doubled, cbor::Encode(Value::Text("nonce")));
  Append(doubled, cbor::Encode(BytesOf(1)));
  EXPECT_EQ(ErrorCode(ParseNitroDocument(Envelope(doubled)).status()), "cbor_key_doubled");
}

TEST(NitroDocumentTest, AnyKeyOrderAndIndefiniteMapsAreRead) {
  cbor::Map payload = GoodPayload();
  Bytes indefinite = {0xbf};
  for (auto entry = payload.rbegin(); entry != payload.rend(); ++entry) {
    Append(indefinite, cbor::Encode(entry->first));
    Append(indefinite, cbor::Encode(entry->second));
  }
  indefinite.push_back(0xff);
  EXPECT_TRUE(ParseNitroDocument(Envelope(indefinite)).ok());
}

TEST(NitroDocumentTest, ScalarsAreBounded) {
  EXPECT_EQ(CodeWith("module_id", Value::Text("")), "document_field_length");
  EXPECT_EQ(CodeWith("digest", Value::Text("SHA256")), "document_digest");
  EXPECT_EQ(CodeWith("digest", Value::Text("sha384")), "document_digest");
  EXPECT_EQ(CodeWith("timestamp", Value::Unsigned(0)), "document_timestamp");
  EXPECT_EQ(CodeWith("timestamp", Value::Int(-1)), "document_timestamp");
  EXPECT_EQ(CodeWith("timestamp", Value::Float(1e12)), "document_timestamp");
  EXPECT_EQ(CodeWith("timestamp", Value::Unsigned(UINT64_MAX)), "document_timestamp");
  EXPECT_EQ(CodeWith("timestamp", Value::Unsigned(253'402'300'800'000)), "document_timestamp");
  EXPECT_EQ(CodeWith("timestamp", Value::Unsigned(253'402'300'799'999)), "");
}

TEST(NitroDocumentTest, RegistersAreBounded) {
  EXPECT_EQ(CodeWith("pcrs", Registers({})), "document_field_length");
  for (size_t size : {32, 48, 64}) {
    EXPECT_EQ(CodeWith("pcrs", Registers({{Value::Unsigned(31), BytesOf(size)}})), "");
  }
  for (size_t size : {0, 20, 47, 49, 65}) {
    EXPECT_EQ(CodeWith("pcrs", Registers({{Value::Unsigned(0), BytesOf(size)}})),
              "document_register_value");
  }
  EXPECT_EQ(CodeWith("pcrs", Registers({{Value::Unsigned(32), BytesOf(48)}})),
            "document_register_index");
  EXPECT_EQ(CodeWith("pcrs", Registers({{Value::Int(-1), BytesOf(48)}})),
            "document_register_index");
  EXPECT_EQ(CodeWith("pcrs", Registers({{Value::Text("0"), BytesOf(48)}})),
            "document_register_index");
  // 2^32: an index that would wrap to 0 in 32 bits.
  EXPECT_EQ(CodeWith("pcrs", Registers({{Value::Unsigned(uint64_t{1} << 32), BytesOf(48)}})),
            "document_register_index");
  cbor::Map many;
  for (uint64_t i = 0; i < 32; ++i) many.emplace_back(Value::Unsigned(i), BytesOf(48));
  EXPECT_EQ(CodeWith("pcrs", Value::OfMap(many)), "");
  many.emplace_back(Value::Unsigned(32), BytesOf(48));
  EXPECT_EQ(CodeWith("pcrs", Value::OfMap(many)), "document_field_length");
}

TEST(NitroDocumentTest, ByteStringsAreBounded) {
  struct Bound {
    const char* name;
    size_t size_min, size_max;
  };
  for (const Bound& b : {Bound{"certificate", 1, 1024}, Bound{"public_key", 1, 1024},
                         Bound{"user_data", 0, 512}, Bound{"nonce", 0, 512}}) {
    EXPECT_EQ(CodeWith(b.name, BytesOf(b.size_min)), "") << b.name;
    EXPECT_EQ(CodeWith(b.name, BytesOf(b.size_max)), "") << b.name;
    EXPECT_EQ(CodeWith(b.name, BytesOf(b.size_max + 1)), "document_field_length") << b.name;
    if (b.size_min > 0) {
      EXPECT_EQ(CodeWith(b.name, BytesOf(0)), "document_field_length") << b.name;
    }
  }
}

TEST(NitroDocumentTest, TheBundleIsBounded) {
  EXPECT_EQ(CodeWith("cabundle", Value::OfArray({})), "document_field_length");
  EXPECT_EQ(CodeWith("cabundle", Value::OfArray({BytesOf(0)})), "document_field_length");
  EXPECT_EQ(CodeWith("cabundle", Value::OfArray({BytesOf(1025)})), "document_field_length");
  EXPECT_EQ(CodeWith("cabundle", Value::OfArray({Value::Text("x")})), "document_field_type");
  EXPECT_EQ(CodeWith("cabundle", Value::OfArray(cbor::Array(16, BytesOf(1)))), "");
  EXPECT_EQ(CodeWith("cabundle", Value::OfArray(cbor::Array(17, BytesOf(1)))),
            "document_field_length");
}

TEST(NitroDocumentTest, TheEnvelopeIsThatOfEs384) {
  Bytes good = Chain::Make().Document();
  const auto envelope = cbor::ParseTolerant(good).value();
  const auto code_with = [&](size_t part, Value value) {
    cbor::Array parts = *envelope.as_array();
    parts[part] = std::move(value);
    return ErrorCode(ParseNitroDocument(cbor::Encode(Value::OfArray(std::move(parts)))).status());
  };
  EXPECT_EQ(code_with(0, Value::OfBytes({})), "document_algorithm");
  EXPECT_EQ(code_with(0, Value::OfBytes(Bytes{0xa1, 0x01, 0x26})), "document_algorithm");  // ES256
  EXPECT_EQ(code_with(0, Value::OfBytes(Bytes{0xa1, 0x01, 0x38, 0x22, 0x00})),
            "document_algorithm");
  EXPECT_EQ(code_with(0, Value::OfMap({})), "document_algorithm");
  EXPECT_EQ(code_with(1, Value::OfMap({{Value::Unsigned(1), Value::Int(-35)}})),
            "document_envelope");
  EXPECT_EQ(code_with(1, Value::OfArray({})), "document_envelope");
  EXPECT_EQ(code_with(2, Value()), "document_envelope");
  EXPECT_EQ(code_with(2, Value::OfBytes({})), "cbor_truncated");
  EXPECT_EQ(code_with(2, Value::OfBytes(Bytes{0x80})), "document_field_type");
  EXPECT_EQ(code_with(3, BytesOf(95)), "document_envelope");
  EXPECT_EQ(code_with(3, BytesOf(97)), "document_envelope");
  EXPECT_EQ(code_with(3, Value::Text("x")), "document_envelope");

  cbor::Array five = *envelope.as_array();
  five.push_back(Value());
  EXPECT_EQ(ErrorCode(ParseNitroDocument(cbor::Encode(Value::OfArray(five))).status()),
            "document_envelope");
  Bytes tagged = {0xd2};  // tag 18, COSE_Sign1
  Append(tagged, good);
  EXPECT_EQ(ErrorCode(ParseNitroDocument(tagged).status()), "cbor_item_refused");
  EXPECT_EQ(ErrorCode(ParseNitroDocument(Bytes(0x3001)).status()), "cbor_too_large");
  EXPECT_EQ(ErrorCode(ParseNitroDocument({}).status()), "cbor_truncated");
}

}  // namespace
}  // namespace sealfold
