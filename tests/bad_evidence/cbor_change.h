// Changes of CBOR that our own encoder would not write.
#ifndef SEALFOLD_TESTS_BAD_EVIDENCE_CBOR_CHANGE_H_
#define SEALFOLD_TESTS_BAD_EVIDENCE_CBOR_CHANGE_H_

#include <functional>

#include "protocol/cbor/value.h"

namespace sealfold {

// The entries of an encoded map.
class MapChange {
 public:
  explicit MapChange(ByteSpan map);
  Bytes Without(absl::string_view name) const;
  Bytes With(absl::string_view name, const cbor::Value& value) const;
  // The entry twice.
  Bytes Doubled(absl::string_view name) const;
  // The entry's value as these bytes, whatever they are.
  Bytes WithRaw(absl::string_view name, ByteSpan encoded) const;
  const cbor::Value& at(absl::string_view name) const;

 private:
  cbor::Map map_;
};

// An unsigned number in 9 bytes, however small.
Bytes LongNumber(uint64_t number);
// A byte string whose length takes 9 bytes.
Bytes LongString(ByteSpan content);
// So many arrays, each in the one before.
Bytes Nested(size_t levels);

}  // namespace sealfold

#endif  // SEALFOLD_TESTS_BAD_EVIDENCE_CBOR_CHANGE_H_
