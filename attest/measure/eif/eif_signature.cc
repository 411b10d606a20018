#include "attest/measure/eif/eif_signature.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/claims_check.h"
#include "attest/x509/ecdsa.h"
#include "protocol/base/error.h"
#include "protocol/cbor/value.h"
#include "protocol/cose/sign1.h"

namespace sealfold {
namespace {

using cbor::Value;

constexpr cbor::Limits kLimits = {
    .size_bytes_max = kEifSignatureSizeMax, .items_max = kEifSignatureSizeMax, .depth_max = 4};
// {1: -35}: ES384.
constexpr uint8_t kProtectedHeader[] = {0xa1, 0x01, 0x38, 0x22};

absl::Status Malformed(absl::string_view what, std::string expected, std::string found) {
  return BadInput({.code = "eif_signature",
                   .what = absl::StrCat("enclave image's signature, ", what),
                   .expected = std::move(expected),
                   .found = std::move(found)});
}

absl::Status Wrong(std::string expected, std::string found) {
  return Refused({.code = "eif_signature_wrong",
                  .what = "enclave image's signature",
                  .expected = std::move(expected),
                  .found = std::move(found),
                  .advice = "ask who built the image: it was changed after it was signed"});
}

// A byte string, or an array of numbers below 256.
absl::StatusOr<Bytes> ReadBytes(const Value* value, absl::string_view name) {
  if (value != nullptr && value->as_bytes() != nullptr) return *value->as_bytes();
  if (value == nullptr || value->as_array() == nullptr) {
    return Malformed(absl::StrCat("'", name, "'"), "bytes",
                     value == nullptr ? "nothing" : std::string(cbor::KindName(value->kind())));
  }
  Bytes bytes;
  for (const Value& each : *value->as_array()) {
    const uint64_t* const byte = each.as_unsigned();
    if (byte == nullptr || *byte > 0xff) {
      return Malformed(absl::StrCat("'", name, "'"), "numbers below 256", "something else");
    }
    bytes.push_back(static_cast<uint8_t>(*byte));
  }
  return bytes;
}

// A map of exactly two names, for which the caller asks.
absl::Status CheckPair(const Value& value, absl::string_view what) {
  if (value.as_map() != nullptr && value.as_map()->size() == 2) return absl::OkStatus();
  return Malformed(std::string(what), "a map of two", std::string(cbor::KindName(value.kind())));
}

// The payload of the COSE_Sign1, its signature checked.
absl::StatusOr<Bytes> OpenSigned(ByteSpan sign1, const Certificate& certificate) {
  SEALFOLD_ASSIGN_OR_RETURN(const Value value, cbor::ParseTolerant(sign1, kLimits));
  const cbor::Array* const parts = value.as_array();
  if (parts == nullptr || parts->size() != 4 || (*parts)[0].as_bytes() == nullptr ||
      (*parts)[1].as_map() == nullptr || (*parts)[2].as_bytes() == nullptr ||
      (*parts)[3].as_bytes() == nullptr) {
    return Malformed("COSE_Sign1", "an untagged array of four", "something else");
  }
  if (ByteSpan(*(*parts)[0].as_bytes()) != ByteSpan(kProtectedHeader) ||
      !(*parts)[1].as_map()->empty()) {
    return Malformed("COSE_Sign1's headers", "{1: -35} (ES384), and none unprotected", "others");
  }
  if (!IsOnP384(certificate.public_key())) {
    return Malformed("certificate's key", "one on P-384", "another");
  }
  const Bytes& payload = *(*parts)[2].as_bytes();
  if (!VerifyP384(certificate.public_key(), SigStructure(kProtectedHeader, {}, payload),
                  *(*parts)[3].as_bytes())) {
    return Wrong("one by the certificate's key", "one that does not verify");
  }
  return payload;
}

}  // namespace

absl::StatusOr<Certificate> CheckEifSignature(ByteSpan section, const Measurement& pcr0) {
  SEALFOLD_ASSIGN_OR_RETURN(const Value list, cbor::ParseTolerant(section, kLimits));
  if (list.as_array() == nullptr || list.as_array()->size() != 1) {
    return Malformed("list", "one signature, of PCR0", "another number of them");
  }
  const Value& entry = list.as_array()->front();
  SEALFOLD_RETURN_IF_ERROR(CheckPair(entry, "entry"));
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes pem,
                            ReadBytes(entry.Find("signing_certificate"), "signing_certificate"));
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes sign1, ReadBytes(entry.Find("signature"), "signature"));
  SEALFOLD_ASSIGN_OR_RETURN(Certificate certificate, Certificate::FromPem(AsText(pem)));
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes payload, OpenSigned(sign1, certificate));
  SEALFOLD_ASSIGN_OR_RETURN(const Value claim, cbor::ParseTolerant(payload, kLimits));
  SEALFOLD_RETURN_IF_ERROR(CheckPair(claim, "payload"));
  const Value* const index = claim.Find("register_index");
  if (index == nullptr || index->as_unsigned() == nullptr || *index->as_unsigned() != 0) {
    return Malformed("'register_index'", "0", "something else");
  }
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes value,
                            ReadBytes(claim.Find("register_value"), "register_value"));
  if (ByteSpan(value) != pcr0.span()) {
    return Wrong(absl::StrCat("one of this image's PCR0, ", ShortHex(pcr0.span())),
                 absl::StrCat("one of ", ShortHex(value)));
  }
  return certificate;
}

}  // namespace sealfold
