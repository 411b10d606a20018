#include "protocol/cbor/value.h"

#include <cbor.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/cbor/first_item.h"
#include "protocol/text/utf8.h"

namespace sealfold::cbor {
namespace {

constexpr uint8_t kBreakByte = 0xff;

// What libcbor's decoder called back with: exactly one head, and for strings their bytes.
struct Token {
  enum class Kind { kValue, kArrayStart, kMapStart, kBreak, kRefused };
  Kind kind = Kind::kRefused;
  Value value;
  std::optional<uint64_t> count;  // of a definite array or map
};

Token& AsToken(void* context) { return *static_cast<Token*>(context); }

void SetValue(void* context, Value value) {
  AsToken(context).kind = Token::Kind::kValue;
  AsToken(context).value = std::move(value);
}

// Callbacks that are not set here keep the token "refused": tags, undefined, chunked strings,
// simple values.
cbor_callbacks MakeCallbacks() {
  cbor_callbacks c = cbor_empty_callbacks;
  c.uint8 = [](void* t, uint8_t n) { SetValue(t, Value::Unsigned(n)); };
  c.uint16 = [](void* t, uint16_t n) { SetValue(t, Value::Unsigned(n)); };
  c.uint32 = [](void* t, uint32_t n) { SetValue(t, Value::Unsigned(n)); };
  c.uint64 = [](void* t, uint64_t n) { SetValue(t, Value::Unsigned(n)); };
  c.negint8 = [](void* t, uint8_t n) { SetValue(t, Value::Negative(n)); };
  c.negint16 = [](void* t, uint16_t n) { SetValue(t, Value::Negative(n)); };
  c.negint32 = [](void* t, uint32_t n) { SetValue(t, Value::Negative(n)); };
  c.negint64 = [](void* t, uint64_t n) { SetValue(t, Value::Negative(n)); };
  c.byte_string = [](void* t, cbor_data data, size_t size) {
    SetValue(t, Value::OfBytes(ByteSpan(data, size)));
  };
  c.string = [](void* t, cbor_data data, size_t size) {
    SetValue(t, Value::Text(AsText(ByteSpan(data, size))));
  };
  c.array_start = [](void* t, size_t n) {
    AsToken(t).kind = Token::Kind::kArrayStart;
    AsToken(t).count = n;
  };
  c.map_start = [](void* t, size_t n) {
    AsToken(t).kind = Token::Kind::kMapStart;
    AsToken(t).count = n;
  };
  c.indef_array_start = [](void* t) { AsToken(t).kind = Token::Kind::kArrayStart; };
  c.indef_map_start = [](void* t) { AsToken(t).kind = Token::Kind::kMapStart; };
  c.indef_break = [](void* t) { AsToken(t).kind = Token::Kind::kBreak; };
  c.float2 = [](void* t, float x) { SetValue(t, Value::Float(x)); };
  c.float4 = [](void* t, float x) { SetValue(t, Value::Float(x)); };
  c.float8 = [](void* t, double x) { SetValue(t, Value::Float(x)); };
  c.null = [](void* t) { SetValue(t, Value()); };
  c.boolean = [](void* t, bool b) { SetValue(t, Value::Bool(b)); };
  return c;
}

// Whether the head that `bytes` begin with, decoded before, has its number in the fewest bytes.
bool HasShortestHead(ByteSpan bytes) {
  constexpr uint8_t kMajorTag = 6;  // from here on no numbers of ours
  const uint8_t major = bytes[0] >> 5;
  const uint8_t form = bytes[0] & 0x1f;  // 24 to 27: the number in 1, 2, 4, 8 bytes after this one
  if (major >= kMajorTag || form < 24 || form > 27) return true;
  uint64_t number = 0;
  for (size_t i = 0; i < size_t{1} << (form - 24); ++i) number = number << 8 | bytes[1 + i];
  if (form == 24) return number >= 24;
  return number >> (8 << (form - 25)) != 0;
}

class Parser {
 public:
  Parser(ByteSpan bytes, const Limits& limits, bool tolerant)
      : bytes_(bytes), limits_(limits), tolerant_(tolerant) {}

  // The item that the bytes begin with.
  absl::StatusOr<Value> First() {
    if (bytes_.size() > limits_.size_bytes_max) {
      return Error("cbor_too_large", absl::StrCat("at most ", limits_.size_bytes_max, " bytes"),
                   absl::StrCat(bytes_.size(), " bytes"));
    }
    Value value;
    SEALFOLD_RETURN_IF_ERROR(Item(0, value));
    return value;
  }

  absl::StatusOr<Value> Run() {
    SEALFOLD_ASSIGN_OR_RETURN(Value value, First());
    if (position_ != bytes_.size()) {
      return Error("cbor_trailing", "the end",
                   absl::StrCat(bytes_.size() - position_, " more bytes"));
    }
    return value;
  }

  size_t position() const { return position_; }

 private:
  absl::Status Error(absl::string_view code, absl::string_view expected,
                     absl::string_view found) const {
    return BadInput({.code = std::string(code),
                     .what = absl::StrCat("CBOR at byte ", position_),
                     .expected = std::string(expected),
                     .found = std::string(found)});
  }

  absl::Status Next(Token& token) {
    static const cbor_callbacks kCallbacks = MakeCallbacks();
    if (++items_ > limits_.items_max) {
      return Error("cbor_too_many_items", absl::StrCat("at most ", limits_.items_max, " items"),
                   "more");
    }
    if (position_ == bytes_.size()) return Error("cbor_truncated", "an item", "the end");
    cbor_decoder_result result = cbor_stream_decode(bytes_.data() + position_,
                                                    bytes_.size() - position_, &kCallbacks, &token);
    if (result.status == CBOR_DECODER_NEDATA) {
      return Error("cbor_truncated", "an item",
                   absl::StrCat("the end within one of ", result.required, " bytes or more"));
    }
    if (result.status != CBOR_DECODER_FINISHED || token.kind == Token::Kind::kRefused) {
      return Error("cbor_item_refused",
                   "an integer, float, string, array, map, true, false or null",
                   absl::StrCat("initial byte 0x", HexEncode(bytes_.subspan(position_, 1))));
    }
    // ParseDeterministic finds these, and all else of the kind, by encoding again.
    if (tolerant_ && !HasShortestHead(bytes_.subspan(position_))) {
      return Error("cbor_not_shortest", "numbers and lengths in as few bytes as they take",
                   absl::StrCat("initial byte 0x", HexEncode(bytes_.subspan(position_, 1))));
    }
    if (token.kind == Token::Kind::kValue) {
      if (token.value.as_text() != nullptr && !IsUtf8(*token.value.as_text())) {
        return Error("cbor_text_invalid", "UTF-8", "other bytes");
      }
      if (token.value.as_float() != nullptr && std::isnan(*token.value.as_float())) {
        return Error("cbor_item_refused", "a number", "NaN");
      }
    }
    position_ += result.read;
    return absl::OkStatus();
  }

  // True if the container of `count` (or an indefinite one) that has `have` entries is at its end;
  // an indefinite one's break is consumed.
  bool AtEnd(const std::optional<uint64_t>& count, size_t have) {
    if (count.has_value()) return have == *count;
    if (position_ < bytes_.size() && bytes_[position_] == kBreakByte) {
      ++position_;
      return true;
    }
    return false;
  }

  absl::Status Item(int depth, Value& out) {
    Token token;
    SEALFOLD_RETURN_IF_ERROR(Next(token));
    if (token.kind == Token::Kind::kValue) {
      out = std::move(token.value);
      return absl::OkStatus();
    }
    if (token.kind == Token::Kind::kBreak) return Error("cbor_item_refused", "an item", "a break");
    if (depth == limits_.depth_max) {
      return Error("cbor_too_deep", absl::StrCat("at most ", limits_.depth_max, " levels"), "more");
    }
    if (!token.count.has_value() && !tolerant_) {
      return Error("cbor_not_deterministic", "a definite length", "an indefinite one");
    }
    // A count is checked against what is left before anything is allocated: an entry takes at least
    // a byte.
    if (token.count.has_value() && *token.count > bytes_.size() - position_) {
      return Error("cbor_truncated", absl::StrCat(*token.count, " entries"),
                   "fewer bytes than that");
    }
    if (token.kind == Token::Kind::kArrayStart) {
      Array array;
      while (!AtEnd(token.count, array.size())) {
        SEALFOLD_RETURN_IF_ERROR(Item(depth + 1, array.emplace_back()));
      }
      out = Value::OfArray(std::move(array));
      return absl::OkStatus();
    }
    Map map;
    while (!AtEnd(token.count, map.size())) {
      auto& [key, value] = map.emplace_back();
      SEALFOLD_RETURN_IF_ERROR(Key(depth + 1, key));
      SEALFOLD_RETURN_IF_ERROR(Item(depth + 1, value));
    }
    SEALFOLD_RETURN_IF_ERROR(CheckKeysUnique(map));
    out = Value::OfMap(std::move(map));
    return absl::OkStatus();
  }

  absl::Status Key(int depth, Value& key) {
    SEALFOLD_RETURN_IF_ERROR(Item(depth, key));
    if (key.as_text() == nullptr && key.as_unsigned() == nullptr && key.as_negative() == nullptr) {
      return Error("cbor_key_type", "a text or integer key", KindName(key.kind()));
    }
    return absl::OkStatus();
  }

  absl::Status CheckKeysUnique(const Map& map) const {
    std::vector<Bytes> keys;
    keys.reserve(map.size());
    for (const auto& entry : map) keys.push_back(Encode(entry.first));
    std::sort(keys.begin(), keys.end());
    auto twin = std::adjacent_find(keys.begin(), keys.end());
    if (twin == keys.end()) return absl::OkStatus();
    const Map::value_type& entry = *std::find_if(
        map.begin(), map.end(), [&](const auto& each) { return Encode(each.first) == *twin; });
    const std::string* name = entry.first.as_text();
    return Error("cbor_key_doubled", "each key once",
                 absl::StrCat("key ",
                              name == nullptr ? HexEncode(*twin)
                                              : absl::StrCat("'", name->substr(0, 40), "'"),
                              " twice"));
  }

  ByteSpan bytes_;
  const Limits& limits_;
  bool tolerant_;
  size_t position_ = 0;
  size_t items_ = 0;
};

// Writes one head of at most 9 bytes with a libcbor encoder.
template <class EncodeFn, class... Args>
void AppendHead(Bytes& out, EncodeFn encode, Args... args) {
  uint8_t head[9];
  size_t size = encode(args..., head, sizeof(head));
  SEALFOLD_CHECK(size > 0);
  Append(out, ByteSpan(head, size));
}

// The shortest of the three float forms that keeps the value (RFC 8949, 4.2.1).
void AppendFloat(Bytes& out, double x) {
  SEALFOLD_CHECK(!std::isnan(x));
  auto single = static_cast<float>(x);
  if (static_cast<double>(single) != x) {
    AppendHead(out, cbor_encode_double, x);
    return;
  }
  uint8_t half[3];
  SEALFOLD_CHECK(cbor_encode_half(single, half, sizeof(half)) == 3);
  Token token;
  cbor_callbacks callbacks = cbor_empty_callbacks;
  callbacks.float2 = [](void* t, float f) { SetValue(t, Value::Float(f)); };
  cbor_stream_decode(half, sizeof(half), &callbacks, &token);
  const double* back = token.value.as_float();
  if (back != nullptr && *back == x && std::signbit(*back) == std::signbit(x)) {
    Append(out, half);
  } else {
    AppendHead(out, cbor_encode_single, single);
  }
}

void AppendValue(Bytes& out, const Value& value);

void AppendMap(Bytes& out, const Map& map) {
  std::vector<std::pair<Bytes, const Value*>> entries;
  entries.reserve(map.size());
  for (const auto& [key, value] : map) entries.emplace_back(Encode(key), &value);
  std::sort(entries.begin(), entries.end());
  AppendHead(out, cbor_encode_map_start, entries.size());
  for (size_t i = 0; i < entries.size(); ++i) {
    SEALFOLD_CHECK(i == 0 || entries[i - 1].first != entries[i].first);
    Append(out, entries[i].first);
    AppendValue(out, *entries[i].second);
  }
}

void AppendValue(Bytes& out, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::kNull:
      AppendHead(out, cbor_encode_null);
      break;
    case Value::Kind::kBool:
      AppendHead(out, cbor_encode_bool, *value.as_bool());
      break;
    case Value::Kind::kUnsigned:
      AppendHead(out, cbor_encode_uint, *value.as_unsigned());
      break;
    case Value::Kind::kNegative:
      AppendHead(out, cbor_encode_negint, *value.as_negative());
      break;
    case Value::Kind::kFloat:
      AppendFloat(out, *value.as_float());
      break;
    case Value::Kind::kBytes:
      AppendHead(out, cbor_encode_bytestring_start, value.as_bytes()->size());
      Append(out, *value.as_bytes());
      break;
    case Value::Kind::kText:
      AppendHead(out, cbor_encode_string_start, value.as_text()->size());
      Append(out, AsBytes(*value.as_text()));
      break;
    case Value::Kind::kArray:
      AppendHead(out, cbor_encode_array_start, value.as_array()->size());
      for (const Value& item : *value.as_array()) AppendValue(out, item);
      break;
    case Value::Kind::kMap:
      AppendMap(out, *value.as_map());
      break;
  }
}

}  // namespace

Value::Kind Value::kind() const {
  constexpr Kind kKinds[] = {Kind::kNull,     Kind::kBool,  Kind::kUnsigned,
                             Kind::kNegative, Kind::kFloat, Kind::kBytes,
                             Kind::kText,     Kind::kArray, Kind::kMap};
  return kKinds[value_.index()];
}

const uint64_t* Value::as_negative() const {
  const auto* negative = std::get_if<NegativeInt>(&value_);
  return negative == nullptr ? nullptr : &negative->n;
}

const Value* Value::Find(absl::string_view key) const {
  if (as_map() == nullptr) return nullptr;
  for (const auto& [k, v] : *as_map()) {
    if (k.as_text() != nullptr && *k.as_text() == key) return &v;
  }
  return nullptr;
}

const Value* Value::Find(int64_t key) const {
  if (as_map() == nullptr) return nullptr;
  Value wanted = Int(key);
  for (const auto& [k, v] : *as_map()) {
    if (k == wanted) return &v;
  }
  return nullptr;
}

bool operator==(const Value& a, const Value& b) { return a.value_ == b.value_; }

absl::string_view KindName(Value::Kind kind) {
  constexpr absl::string_view kNames[] = {
      "null",  "boolean", "unsigned integer", "negative integer", "float", "byte string", "text",
      "array", "map"};
  return kNames[static_cast<size_t>(kind)];
}

absl::StatusOr<Value> ParseDeterministic(ByteSpan bytes, const Limits& limits) {
  SEALFOLD_ASSIGN_OR_RETURN(Value value, Parser(bytes, limits, /*tolerant=*/false).Run());
  if (ByteSpan(Encode(value)) != bytes) {
    return BadInput({.code = "cbor_not_deterministic",
                     .what = "CBOR message",
                     .expected = "the deterministic encoding (RFC 8949, 4.2.1)",
                     .found = "another encoding of the same data"});
  }
  return value;
}

absl::StatusOr<Value> ParseTolerant(ByteSpan bytes, const Limits& limits) {
  return Parser(bytes, limits, /*tolerant=*/true).Run();
}

absl::StatusOr<size_t> FirstItemSize(ByteSpan bytes, const Limits& limits) {
  Parser parser(bytes, limits, /*tolerant=*/true);
  SEALFOLD_RETURN_IF_ERROR(parser.First().status());
  return parser.position();
}

Bytes Encode(const Value& value) {
  Bytes out;
  AppendValue(out, value);
  return out;
}

}  // namespace sealfold::cbor
