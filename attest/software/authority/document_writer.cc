#include "attest/software/authority/document_writer.h"

#include <utility>

#include "attest/x509/ecdsa.h"
#include "protocol/cbor/value.h"
#include "protocol/cose/sign1.h"

namespace sealfold {
namespace {

using cbor::Value;

Value NullOr(const std::optional<Bytes>& bytes) {
  return bytes.has_value() ? Value::OfBytes(*bytes) : Value();
}

}  // namespace

Bytes SignNitroPayload(ByteSpan payload, EVP_PKEY* leaf_key) {
  Bytes signature = SignP384(leaf_key, SigStructure(kNitroProtectedHeader, {}, payload));
  cbor::Array envelope;
  envelope.push_back(Value::OfBytes(kNitroProtectedHeader));
  envelope.push_back(Value::OfMap({}));
  envelope.push_back(Value::OfBytes(payload));
  envelope.push_back(Value::OfBytes(signature));
  return cbor::Encode(Value::OfArray(std::move(envelope)));
}

Bytes WriteNitroDocument(const NitroDocument& content, EVP_PKEY* leaf_key,
                         const NitroDocumentKind& kind) {
  cbor::Map registers;
  for (const auto& [index, value] : content.registers) {
    registers.emplace_back(Value::Unsigned(index), Value::OfBytes(value));
  }
  cbor::Array bundle;
  for (const Bytes& der : content.cabundle) bundle.push_back(Value::OfBytes(der));
  cbor::Map payload;
  payload.emplace_back(Value::Text("module_id"), Value::Text(content.module_id));
  payload.emplace_back(Value::Text("digest"), Value::Text("SHA384"));
  payload.emplace_back(Value::Text("timestamp"), Value::Unsigned(content.timestamp_ms));
  payload.emplace_back(Value::Text(kind.registers_field), Value::OfMap(std::move(registers)));
  payload.emplace_back(Value::Text("certificate"), Value::OfBytes(content.certificate));
  payload.emplace_back(Value::Text("cabundle"), Value::OfArray(std::move(bundle)));
  payload.emplace_back(Value::Text("public_key"), NullOr(content.public_key));
  payload.emplace_back(Value::Text("user_data"), NullOr(content.user_data));
  payload.emplace_back(Value::Text("nonce"), NullOr(content.nonce));
  return SignNitroPayload(cbor::Encode(Value::OfMap(std::move(payload))), leaf_key);
}

}  // namespace sealfold
