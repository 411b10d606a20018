#include "protocol/cose/sign1.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

// RFC 9052, table 3 (header parameters) and RFC 9053, section 2.2 (EdDSA).
constexpr int64_t kHeaderAlgorithm = 1;
constexpr int64_t kHeaderKeyId = 4;
constexpr int64_t kAlgorithmEdDsa = -8;

Bytes ProtectedHeader(const SigningPublicKey& signer) {
  return cbor::Encode(
      cbor::Value::OfMap({{cbor::Value::Int(kHeaderAlgorithm), cbor::Value::Int(kAlgorithmEdDsa)},
                          {cbor::Value::Int(kHeaderKeyId), cbor::Value::OfBytes(signer.span())}}));
}

absl::Status Malformed(absl::string_view part, absl::string_view expected,
                       absl::string_view found) {
  return BadInput({.code = "cose_malformed",
                   .what = absl::StrCat("COSE_Sign1, ", part),
                   .expected = std::string(expected),
                   .found = std::string(found)});
}

// The bytes of `item`, which lives as long as it.
absl::StatusOr<const Bytes*> BytesItem(const cbor::Value& item, absl::string_view part) {
  if (item.as_bytes() == nullptr)
    return Malformed(part, "byte string", cbor::KindName(item.kind()));
  return item.as_bytes();
}

}  // namespace

Bytes SigStructure(ByteSpan protected_header, ByteSpan external_aad, ByteSpan payload) {
  return cbor::Encode(
      cbor::Value::OfArray({cbor::Value::Text("Signature1"), cbor::Value::OfBytes(protected_header),
                            cbor::Value::OfBytes(external_aad), cbor::Value::OfBytes(payload)}));
}

Bytes SignSign1(const SigningKey& key, absl::string_view context, ByteSpan payload) {
  const Bytes header = ProtectedHeader(key.public_key());
  const Signature signature = key.Sign(SigStructure(header, AsBytes(context), payload));
  return cbor::Encode(cbor::Value::OfArray({cbor::Value::OfBytes(header), cbor::Value::OfMap({}),
                                            cbor::Value::OfBytes(payload),
                                            cbor::Value::OfBytes(signature.span())}));
}

absl::StatusOr<Sign1> OpenSign1(ByteSpan bytes, absl::string_view context, size_t size_bytes_max) {
  SEALFOLD_ASSIGN_OR_RETURN(
      const cbor::Value value,
      cbor::ParseDeterministic(bytes, {.size_bytes_max = size_bytes_max, .items_max = 16}));
  const cbor::Array* array = value.as_array();
  if (array == nullptr) return Malformed("whole", "array of 4", cbor::KindName(value.kind()));
  if (array->size() != 4) {
    return Malformed("whole", "array of 4", absl::StrCat("array of ", array->size()));
  }
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes* header, BytesItem((*array)[0], "protected header"));
  const cbor::Map* unprotected = (*array)[1].as_map();
  if (unprotected == nullptr || !unprotected->empty()) {
    return Malformed("unprotected header", "empty map", cbor::KindName((*array)[1].kind()));
  }
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes* payload, BytesItem((*array)[2], "payload"));
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes* signature_bytes, BytesItem((*array)[3], "signature"));
  if (signature_bytes->size() != Signature::kSize) {
    return Malformed("signature", absl::StrCat(Signature::kSize, " bytes"),
                     absl::StrCat(signature_bytes->size(), " bytes"));
  }
  const Signature signature = Signature::From(*signature_bytes).value();

  // The key ends the header; with it known, only one header is right.
  Sign1 out;
  if (header->size() >= SigningPublicKey::kSize) {
    SEALFOLD_ASSIGN_OR_RETURN(
        out.signer, SigningPublicKey::From(ByteSpan(*header).last(SigningPublicKey::kSize)));
  }
  if (*header != ProtectedHeader(out.signer)) {
    return Malformed(
        "protected header", "{1: -8, 4: signer's Ed25519 key}",
        absl::StrCat("0x",
                     HexEncode(ByteSpan(*header).first(std::min<size_t>(header->size(), 64)))));
  }
  if (!VerifySignature(out.signer, SigStructure(*header, AsBytes(context), *payload), signature)) {
    return Refused({.code = "signature_wrong",
                    .what = absl::StrCat("signature over \"", context, "\""),
                    .expected = absl::StrCat("one by ", out.signer.hex()),
                    .found = "one that does not verify"});
  }
  out.payload = *payload;
  return out;
}

}  // namespace sealfold
