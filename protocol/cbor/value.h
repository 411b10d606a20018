// CBOR (RFC 8949), read into a tree within stated bounds; written deterministically
// (section 4.2.1).
//
// Bytes of peers reach only this reader. It never allocates more than a small multiple of its
// input, stops at the first violation and says at which byte. Two ways to read:
//   ParseDeterministic: our own messages. Refused unless re-encoding gives the same bytes.
//   ParseTolerant: documents of platforms, which use indefinite-length maps and any key order.
//     Still refused: doubled keys, trailing bytes, numbers and lengths in more bytes than need be,
//     chunked strings, tags, undefined, simple values, NaN.
#ifndef SEALFOLD_PROTOCOL_CBOR_VALUE_H_
#define SEALFOLD_PROTOCOL_CBOR_VALUE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "protocol/base/bytes.h"

namespace sealfold::cbor {

struct Limits {
  size_t size_bytes_max = 1 << 20;
  size_t items_max = 1 << 16;
  int depth_max = 8;
};

class Value;
using Array = std::vector<Value>;
// In the order written or read; keys are unsigned, negative or text.
using Map = std::vector<std::pair<Value, Value>>;

// One data item. Owns its content. Integers: unsigned, or negative as -1 - n (so any CBOR integer
// fits).
class Value {
 public:
  enum class Kind { kNull, kBool, kUnsigned, kNegative, kFloat, kBytes, kText, kArray, kMap };

  Value() : value_(nullptr) {}
  static Value Unsigned(uint64_t n) { return Value(Storage(n)); }
  static Value Negative(uint64_t minus_one_minus_n) {
    return Value(Storage(NegativeInt{minus_one_minus_n}));
  }
  static Value Int(int64_t n) {
    return n >= 0 ? Unsigned(static_cast<uint64_t>(n)) : Negative(static_cast<uint64_t>(-(n + 1)));
  }
  static Value Bool(bool b) { return Value(Storage(b)); }
  static Value Float(double d) { return Value(Storage(d)); }
  static Value OfBytes(ByteSpan b) { return Value(Storage(ToBytes(b))); }
  static Value Text(absl::string_view t) { return Value(Storage(std::string(t))); }
  static Value OfArray(Array a) { return Value(Storage(std::move(a))); }
  static Value OfMap(Map m) { return Value(Storage(std::move(m))); }

  Kind kind() const;
  bool is_null() const { return kind() == Kind::kNull; }
  // Each returns nullptr when the item is of another kind.
  const bool* as_bool() const { return std::get_if<bool>(&value_); }
  const uint64_t* as_unsigned() const { return std::get_if<uint64_t>(&value_); }
  const uint64_t* as_negative() const;  // n where the value is -1 - n
  const double* as_float() const { return std::get_if<double>(&value_); }
  const Bytes* as_bytes() const { return std::get_if<Bytes>(&value_); }
  const std::string* as_text() const { return std::get_if<std::string>(&value_); }
  const Array* as_array() const { return std::get_if<Array>(&value_); }
  const Map* as_map() const { return std::get_if<Map>(&value_); }
  Array* mutable_array() { return std::get_if<Array>(&value_); }
  Map* mutable_map() { return std::get_if<Map>(&value_); }

  // The value under a text (or integer) key of a map; nullptr if there is none or this is no map.
  const Value* Find(absl::string_view key) const;
  const Value* Find(int64_t key) const;

  friend bool operator==(const Value& a, const Value& b);

 private:
  struct NegativeInt {
    uint64_t n;
    bool operator==(const NegativeInt&) const = default;
  };
  using Storage = std::variant<std::nullptr_t, bool, uint64_t, NegativeInt, double, Bytes,
                               std::string, Array, Map>;
  explicit Value(Storage value) : value_(std::move(value)) {}
  Storage value_;
};

// "unsigned integer", "map", ... for error messages.
absl::string_view KindName(Value::Kind kind);

// InvalidArgument with code "cbor_*" for anything but exactly one well-formed item within `limits`.
absl::StatusOr<Value> ParseDeterministic(ByteSpan bytes, const Limits& limits = {});
absl::StatusOr<Value> ParseTolerant(ByteSpan bytes, const Limits& limits = {});

// The deterministic encoding: shortest forms, map keys sorted by their encoded bytes. Requires: no
// doubled keys, no NaN.
Bytes Encode(const Value& value);

}  // namespace sealfold::cbor

#endif  // SEALFOLD_PROTOCOL_CBOR_VALUE_H_
