#include "attest/nitro/document.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "attest/x509/ecdsa.h"
#include "protocol/base/error.h"
#include "protocol/cbor/value.h"

namespace sealfold {
namespace {

using cbor::KindName;
using cbor::Value;

constexpr uint64_t kTimestampEnd_ms = 253'402'300'800'000;  // the year 10000

// The fields that hold registers, by whose document it is.
constexpr std::pair<absl::string_view, absl::string_view> kOwners[] = {
    {"pcrs", "an enclave's"}, {"nitrotpm_pcrs", "a NitroTPM's"}};

absl::Status Malformed(absl::string_view code, absl::string_view what, absl::string_view expected,
                       absl::string_view found) {
  return BadInput({.code = absl::StrCat("document_", code),
                   .what = absl::StrCat("attestation document's ", what),
                   .expected = std::string(expected),
                   .found = std::string(found)});
}

std::string Sizes(size_t size_min, size_t size_max) {
  return absl::StrCat(size_min, " to ", size_max, " bytes");
}

// The payload's fields.
class Fields {
 public:
  explicit Fields(const Value& map) : map_(map) {}

  absl::StatusOr<const Value*> Required(absl::string_view name) const {
    const Value* value = map_.Find(name);
    if (value != nullptr) return value;
    return Malformed("field_missing", name, "a field of this name", "none");
  }

  // Both kinds are signed under the same root: a message that tells them apart.
  absl::StatusOr<const Value*> Registers(absl::string_view name) const {
    for (const auto& [other, owner] : kOwners) {
      if (other == name || map_.Find(name) != nullptr || map_.Find(other) == nullptr) continue;
      return Malformed(
          "field_missing", name, "a field of this name",
          absl::StrCat("none, but ", other, ": ", owner, " document, another platform's"));
    }
    return Required(name);
  }

  absl::StatusOr<std::string> Text(absl::string_view name) const {
    SEALFOLD_ASSIGN_OR_RETURN(const Value* value, Required(name));
    if (value->as_text() == nullptr) {
      return Malformed("field_type", name, "text", KindName(value->kind()));
    }
    return *value->as_text();
  }

  absl::StatusOr<std::optional<Bytes>> OptionalBytes(absl::string_view name, size_t size_min,
                                                     size_t size_max) const {
    const Value* value = map_.Find(name);
    if (value == nullptr) return std::optional<Bytes>();
    if (value->is_null()) return std::optional<Bytes>();
    SEALFOLD_ASSIGN_OR_RETURN(Bytes bytes, AsSized(*value, name, size_min, size_max));
    return std::optional<Bytes>(std::move(bytes));
  }

  static absl::StatusOr<Bytes> AsSized(const Value& value, absl::string_view what, size_t size_min,
                                       size_t size_max) {
    const Bytes* bytes = value.as_bytes();
    if (bytes == nullptr) {
      return Malformed("field_type", what, "a byte string", KindName(value.kind()));
    }
    if (bytes->size() < size_min || bytes->size() > size_max) {
      return Malformed("field_length", what, Sizes(size_min, size_max),
                       absl::StrCat(bytes->size(), " bytes"));
    }
    return *bytes;
  }

  absl::Status Finish(absl::Span<const absl::string_view> known) const {
    for (const auto& [key, value] : *map_.as_map()) {
      const std::string* name = key.as_text();
      if (name == nullptr) {
        return Malformed("field_unknown", "payload", "names as keys", KindName(key.kind()));
      }
      if (std::find(known.begin(), known.end(), *name) == known.end()) {
        return Malformed("field_unknown", "payload", "no other fields than AWS documents",
                         absl::StrCat("field '", name->substr(0, 40), "'"));
      }
    }
    return absl::OkStatus();
  }

 private:
  const Value& map_;
};

absl::Status ReadRegisters(const Value& value, const NitroDocumentKind& kind,
                           NitroDocument& document) {
  const cbor::Map* map = value.as_map();
  if (map == nullptr) {
    return Malformed("field_type", kind.registers_field, "a map", KindName(value.kind()));
  }
  if (map->size() < kind.registers_min || map->size() > kind.registers_max) {
    return Malformed("field_length", kind.registers_field,
                     absl::StrCat(kind.registers_min, " to ", kind.registers_max, " entries"),
                     absl::StrCat(map->size()));
  }
  for (const auto& [key, entry] : *map) {
    const uint64_t* index = key.as_unsigned();
    if (index == nullptr || *index >= kind.registers_max) {
      return Malformed("register_index", kind.registers_field,
                       absl::StrCat("indexes 0 to ", kind.registers_max - 1),
                       index == nullptr ? std::string(KindName(key.kind())) : absl::StrCat(*index));
    }
    const Bytes* bytes = entry.as_bytes();
    if (bytes == nullptr ||
        std::count(kind.register_sizes.begin(), kind.register_sizes.end(), bytes->size()) == 0) {
      return Malformed("register_value", absl::StrCat("pcr", *index),
                       absl::StrCat(absl::StrJoin(kind.register_sizes, " or "), " bytes"),
                       bytes == nullptr ? std::string(KindName(entry.kind()))
                                        : absl::StrCat(bytes->size(), " bytes"));
    }
    document.registers.emplace(static_cast<uint32_t>(*index), *bytes);
  }
  return absl::OkStatus();
}

absl::Status ReadCertificates(const Fields& fields, NitroDocument& document) {
  SEALFOLD_ASSIGN_OR_RETURN(const Value* leaf, fields.Required("certificate"));
  SEALFOLD_ASSIGN_OR_RETURN(document.certificate,
                            Fields::AsSized(*leaf, "certificate", 1, kNitroCertificateSizeMax));
  SEALFOLD_ASSIGN_OR_RETURN(const Value* bundle, fields.Required("cabundle"));
  const cbor::Array* array = bundle->as_array();
  if (array == nullptr) {
    return Malformed("field_type", "cabundle", "an array", KindName(bundle->kind()));
  }
  if (array->empty() || array->size() > kNitroCertificatesMax) {
    return Malformed("field_length", "cabundle",
                     absl::StrCat("1 to ", kNitroCertificatesMax, " certificates"),
                     absl::StrCat(array->size()));
  }
  for (size_t i = 0; i < array->size(); ++i) {
    SEALFOLD_ASSIGN_OR_RETURN(Bytes der,
                              Fields::AsSized((*array)[i], absl::StrCat("cabundle[", i, "]"), 1,
                                              kNitroCertificateSizeMax));
    document.cabundle.push_back(std::move(der));
  }
  return absl::OkStatus();
}

absl::Status ReadPayload(const Value& payload, const NitroDocumentKind& kind,
                         NitroDocument& document) {
  if (payload.as_map() == nullptr) {
    return Malformed("field_type", "payload", "a map", KindName(payload.kind()));
  }
  const Fields fields(payload);
  SEALFOLD_ASSIGN_OR_RETURN(document.module_id, fields.Text("module_id"));
  if (document.module_id.empty()) {
    return Malformed("field_length", "module_id", "a name", "empty text");
  }
  SEALFOLD_ASSIGN_OR_RETURN(std::string digest, fields.Text("digest"));
  if (digest != "SHA384") {
    return Malformed("digest", "digest", "SHA384", digest.substr(0, 40));
  }
  SEALFOLD_ASSIGN_OR_RETURN(const Value* timestamp, fields.Required("timestamp"));
  const uint64_t* milliseconds = timestamp->as_unsigned();
  if (milliseconds == nullptr || *milliseconds == 0 || *milliseconds >= kTimestampEnd_ms) {
    return Malformed("timestamp", "timestamp", "milliseconds since 1970, before the year 10000",
                     milliseconds == nullptr ? std::string(KindName(timestamp->kind()))
                                             : absl::StrCat(*milliseconds));
  }
  document.timestamp_ms = *milliseconds;
  SEALFOLD_ASSIGN_OR_RETURN(const Value* registers, fields.Registers(kind.registers_field));
  SEALFOLD_RETURN_IF_ERROR(ReadRegisters(*registers, kind, document));
  SEALFOLD_RETURN_IF_ERROR(ReadCertificates(fields, document));
  SEALFOLD_ASSIGN_OR_RETURN(document.public_key,
                            fields.OptionalBytes("public_key", 1, kind.public_key_size_max));
  SEALFOLD_ASSIGN_OR_RETURN(document.user_data,
                            fields.OptionalBytes("user_data", 0, kind.user_data_size_max));
  SEALFOLD_ASSIGN_OR_RETURN(document.nonce, fields.OptionalBytes("nonce", 0, kind.nonce_size_max));
  return fields.Finish({"module_id", "digest", "timestamp", kind.registers_field, "certificate",
                        "cabundle", "public_key", "user_data", "nonce"});
}

// The four parts of the envelope.
absl::Status ReadEnvelope(const Value& envelope, NitroDocument& document) {
  const cbor::Array* parts = envelope.as_array();
  if (parts == nullptr || parts->size() != 4) {
    return Malformed("envelope", "envelope", "an untagged COSE_Sign1: an array of four",
                     parts == nullptr ? std::string(KindName(envelope.kind()))
                                      : absl::StrCat("an array of ", parts->size()));
  }
  const Bytes* header = (*parts)[0].as_bytes();
  if (header == nullptr ||
      !std::equal(header->begin(), header->end(), std::begin(kNitroProtectedHeader),
                  std::end(kNitroProtectedHeader))) {
    constexpr size_t kShownMax = 16;
    return Malformed("algorithm", "protected header",
                     absl::StrCat("{1: -35} (ES384), ", HexEncode(kNitroProtectedHeader)),
                     header == nullptr
                         ? std::string(KindName((*parts)[0].kind()))
                         : HexEncode(ByteSpan(*header).first(std::min(header->size(), kShownMax))));
  }
  const cbor::Map* unprotected = (*parts)[1].as_map();
  if (unprotected == nullptr || !unprotected->empty()) {
    return Malformed("envelope", "unprotected header", "an empty map", "something else");
  }
  const Bytes* payload = (*parts)[2].as_bytes();
  if (payload == nullptr) {
    return Malformed("envelope", "payload", "a byte string", KindName((*parts)[2].kind()));
  }
  const Bytes* signature = (*parts)[3].as_bytes();
  if (signature == nullptr || signature->size() != kP384SignatureSize) {
    return Malformed("envelope", "signature", absl::StrCat(kP384SignatureSize, " bytes"),
                     signature == nullptr ? std::string(KindName((*parts)[3].kind()))
                                          : absl::StrCat(signature->size(), " bytes"));
  }
  document.payload = *payload;
  document.signature = *signature;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<NitroDocument> ParseNitroDocument(ByteSpan bytes, const NitroDocumentKind& kind) {
  const cbor::Limits limits = {
      .size_bytes_max = kind.document_size_max, .items_max = 256, .depth_max = 4};
  NitroDocument document;
  SEALFOLD_ASSIGN_OR_RETURN(Value envelope, cbor::ParseTolerant(bytes, limits));
  SEALFOLD_RETURN_IF_ERROR(ReadEnvelope(envelope, document));
  absl::StatusOr<Value> payload = cbor::ParseTolerant(document.payload, limits);
  if (!payload.ok()) return About("attestation document's payload", payload.status());
  SEALFOLD_RETURN_IF_ERROR(ReadPayload(*payload, kind, document));
  return document;
}

}  // namespace sealfold
