#include "attest/testing/forge/eif_builder.h"

#include <openssl/ec.h>
#include <openssl/evp.h>

#include "attest/software/authority/issue.h"
#include "attest/software/authority/key.h"
#include "attest/testing/forge/forge.h"
#include "attest/x509/ecdsa.h"
#include "protocol/base/error.h"
#include "protocol/cbor/value.h"
#include "protocol/cose/sign1.h"

namespace sealfold {
namespace {

using cbor::Value;

void PutBigEndian(Bytes& out, uint64_t value, size_t size) {
  for (size_t i = size; i-- > 0;) out.push_back(static_cast<uint8_t>(value >> (8 * i)));
}

}  // namespace

EifSpec::EifSpec()
    : sections{{EifSectionType::kKernel, Bytes(500, 'k')},
               {EifSectionType::kCommandLine, ToBytes(AsBytes("quiet"))},
               {EifSectionType::kRamdisk, Bytes(300, 'a')},
               {EifSectionType::kRamdisk, Bytes(400, 'b')}} {}

void MendEifCrc(Bytes& file) {
  const uint32_t crc = EifCrc(file);
  for (size_t i = 0; i < 4; ++i) {
    file[kEifHeaderSize - 4 + i] = static_cast<uint8_t>(crc >> (8 * (3 - i)));
  }
}

Bytes BuildEif(const EifSpec& spec, const std::function<void(Bytes&)>& damage) {
  Bytes out = ToBytes(AsBytes(".eif"));
  PutBigEndian(out, spec.version, 2);
  PutBigEndian(out, spec.flags, 2);
  PutBigEndian(out, 1u << 30, 8);
  PutBigEndian(out, 2, 8);
  PutBigEndian(out, 0, 2);
  PutBigEndian(out, spec.sections.size(), 2);
  uint64_t offset = kEifHeaderSize;
  for (size_t i = 0; i < kEifSectionsMax; ++i) {
    const bool used = i < spec.sections.size();
    PutBigEndian(out, used ? offset : 0, 8);
    if (used) offset += 12 + spec.sections[i].second.size();
  }
  for (size_t i = 0; i < kEifSectionsMax; ++i) {
    PutBigEndian(out, i < spec.sections.size() ? spec.sections[i].second.size() : 0, 8);
  }
  PutBigEndian(out, 0, 8);  // unused, and the CRC's place
  for (const auto& [type, data] : spec.sections) {
    PutBigEndian(out, static_cast<uint64_t>(type), 2);
    PutBigEndian(out, 0, 2);
    PutBigEndian(out, data.size(), 8);
    Append(out, data);
  }
  if (damage) damage(out);
  MendEifCrc(out);
  return out;
}

Bytes BuildEifSignature(const Measurement& pcr, uint64_t index, const char* curve) {
  const UniqueKey key(EVP_EC_gen(curve), &EVP_PKEY_free);
  SEALFOLD_CHECK(key != nullptr);
  const ChainSpec spec;
  const UniqueKey issuer_key = GenerateP384Key();
  const Certificate issuer_certificate = IssueCertificate(spec.root, issuer_key.get(), nullptr);
  const Issuer issuer{issuer_certificate, issuer_key.get()};
  const Certificate certificate = IssueCertificate(spec.leaf, key.get(), &issuer);
  const Bytes protected_header = {0xa1, 0x01, 0x38, 0x22};
  const Bytes payload =
      cbor::Encode(Value::OfMap({{Value::Text("register_index"), Value::Unsigned(index)},
                                 {Value::Text("register_value"), Value::OfBytes(pcr.span())}}));
  const bool p384 = absl::string_view(curve) == "P-384";
  const Bytes signature =
      p384 ? SignP384(key.get(), SigStructure(protected_header, {}, payload)) : Bytes(96, 1);
  const Bytes sign1 =
      cbor::Encode(Value::OfArray({Value::OfBytes(protected_header), Value::OfMap({}),
                                   Value::OfBytes(payload), Value::OfBytes(signature)}));
  return cbor::Encode(Value::OfArray({Value::OfMap(
      {{Value::Text("signature"), Value::OfBytes(sign1)},
       {Value::Text("signing_certificate"), Value::OfBytes(AsBytes(certificate.Pem()))}})}));
}

}  // namespace sealfold
