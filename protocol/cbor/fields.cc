#include "protocol/cbor/fields.h"

namespace sealfold::cbor {
namespace internal {

void Reader::Expect(absl::string_view name, absl::string_view text) {
  std::string found;
  (*this)(name, found);
  if (status_.ok() && found != text) Fail("message_type", name, text, found);
}

absl::Status Reader::Finish() {
  if (!status_.ok()) return status_;
  if (map_.as_map() == nullptr) {
    FailAt("field_type", path_.empty() ? "message" : path_, "map", KindName(map_.kind()));
    return status_;
  }
  for (const auto& entry : *map_.as_map()) {
    const std::string* name = entry.first.as_text();
    if (name == nullptr || seen_.count(*name) == 0) {
      Fail("field_unknown", name == nullptr ? "(integer key)" : *name,
           "only the fields of this type", "another");
      break;
    }
  }
  return status_;
}

void Reader::FailAt(absl::string_view code, absl::string_view path, absl::string_view expected,
                    absl::string_view found) {
  status_ = BadInput({.code = std::string(code),
                      .what = absl::StrCat("field ", path),
                      .expected = std::string(expected),
                      .found = std::string(found)});
}

}  // namespace internal

absl::StatusOr<std::string> PeekType(ByteSpan bytes, const Limits& limits) {
  SEALFOLD_ASSIGN_OR_RETURN(Value value, ParseDeterministic(bytes, limits));
  const Value* type = value.Find("type");
  if (type == nullptr || type->as_text() == nullptr) {
    return BadInput(
        {.code = "message_type", .what = "message", .expected = "a field \"type\" of text"});
  }
  return *type->as_text();
}

}  // namespace sealfold::cbor
