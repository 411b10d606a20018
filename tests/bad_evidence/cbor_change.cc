#include "tests/bad_evidence/cbor_change.h"

#include "protocol/base/error.h"

namespace sealfold {
namespace {

Bytes Head(size_t entries) {
  SEALFOLD_CHECK(entries < 24);
  return {static_cast<uint8_t>(0xa0 + entries)};
}

void AppendEntry(Bytes& out, const cbor::Value& key, ByteSpan encoded) {
  Append(out, cbor::Encode(key));
  Append(out, encoded);
}

}  // namespace

MapChange::MapChange(ByteSpan map) : map_(*cbor::ParseTolerant(map)->as_map()) {}

const cbor::Value& MapChange::at(absl::string_view name) const {
  for (const auto& [key, value] : map_) {
    if (*key.as_text() == name) return value;
  }
  SEALFOLD_CHECK(false && "no such field");
  std::abort();
}

Bytes MapChange::Without(absl::string_view name) const {
  Bytes out = Head(map_.size() - 1);
  for (const auto& [key, value] : map_) {
    if (*key.as_text() != name) AppendEntry(out, key, cbor::Encode(value));
  }
  return out;
}

Bytes MapChange::With(absl::string_view name, const cbor::Value& value) const {
  return WithRaw(name, cbor::Encode(value));
}

Bytes MapChange::WithRaw(absl::string_view name, ByteSpan encoded) const {
  Bytes out = Head(map_.size());
  for (const auto& [key, value] : map_) {
    AppendEntry(out, key, *key.as_text() == name ? ToBytes(encoded) : cbor::Encode(value));
  }
  return out;
}

Bytes MapChange::Doubled(absl::string_view name) const {
  Bytes out = Head(map_.size() + 1);
  for (const auto& [key, value] : map_) {
    for (int i = 0; i < (*key.as_text() == name ? 2 : 1); ++i) {
      AppendEntry(out, key, cbor::Encode(value));
    }
  }
  return out;
}

Bytes LongNumber(uint64_t number) {
  Bytes out(9, 0x1b);
  StoreBigEndian64(absl::MakeSpan(out).subspan(1), number);
  return out;
}

Bytes LongString(ByteSpan content) {
  Bytes out(9, 0x5b);
  StoreBigEndian64(absl::MakeSpan(out).subspan(1), content.size());
  Append(out, content);
  return out;
}

Bytes Nested(size_t levels) {
  Bytes out(levels, 0x81);
  out.push_back(0);
  return out;
}

}  // namespace sealfold
