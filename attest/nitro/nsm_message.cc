#include "attest/nitro/nsm_message.h"

#include <algorithm>
#include <iterator>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/cbor/value.h"

namespace sealfold {
namespace {

using cbor::Value;

constexpr cbor::Limits kRequestLimits = {
    .size_bytes_max = kNsmRequestSizeMax, .items_max = 64, .depth_max = 3};
constexpr cbor::Limits kResponseLimits = {
    .size_bytes_max = kNsmResponseSizeMax, .items_max = 256, .depth_max = 4};

// The names of NsmError, in its order.
constexpr absl::string_view kErrorNames[] = {
    "Success",          "InvalidArgument", "InvalidIndex",  "InvalidResponse", "ReadOnlyIndex",
    "InvalidOperation", "BufferTooSmall",  "InputTooLarge", "InternalError"};

// One description of each variant's fields, for both directions.
template <class V>
void Visit(V& v, NsmAttestationRequest& x) {
  v("user_data", x.user_data);
  v("nonce", x.nonce);
  v("public_key", x.public_key);
}
template <class V>
void Visit(V& v, NsmDescribePcrRequest& x) {
  v("index", x.index);
}
template <class V>
void Visit(V& v, NsmExtendPcrRequest& x) {
  v("index", x.index);
  v("data", x.data);
}
template <class V>
void Visit(V& v, NsmLockPcrRequest& x) {
  v("index", x.index);
}
template <class V>
void Visit(V& v, NsmLockPcrsRequest& x) {
  v("range", x.range);
}
template <class V>
void Visit(V& v, NsmAttestationResponse& x) {
  v("document", x.document);
}
template <class V>
void Visit(V& v, NsmDescribePcrResponse& x) {
  v("lock", x.lock);
  v("data", x.data);
}
template <class V>
void Visit(V& v, NsmExtendPcrResponse& x) {
  v("data", x.data);
}
template <class V>
void Visit(V& v, NsmDescribeResponse& x) {
  v("version_major", x.version_major);
  v("version_minor", x.version_minor);
  v("version_patch", x.version_patch);
  v("module_id", x.module_id);
  v("max_pcrs", x.max_pcrs);
  v("locked_pcrs", x.locked_pcrs);
  v("digest", x.digest);
}
template <class V>
void Visit(V& v, NsmRandomResponse& x) {
  v("random", x.random);
}

class Writer {
 public:
  void operator()(absl::string_view name, uint16_t x) { Add(name, Value::Unsigned(x)); }
  void operator()(absl::string_view name, bool x) { Add(name, Value::Bool(x)); }
  void operator()(absl::string_view name, const Bytes& x) { Add(name, Value::OfBytes(x)); }
  void operator()(absl::string_view name, const std::string& x) { Add(name, Value::Text(x)); }
  void operator()(absl::string_view name, const std::optional<Bytes>& x) {
    Add(name, x.has_value() ? Value::OfBytes(*x) : Value());  // serde's None is null
  }
  void operator()(absl::string_view name, const std::vector<uint16_t>& x) {
    cbor::Array array;
    for (uint16_t n : x) array.push_back(Value::Unsigned(n));
    Add(name, Value::OfArray(std::move(array)));
  }
  Value Take() { return Value::OfMap(std::move(map_)); }

 private:
  void Add(absl::string_view name, Value value) {
    map_.emplace_back(Value::Text(name), std::move(value));
  }
  cbor::Map map_;
};

class Reader {
 public:
  explicit Reader(const Value& map) : map_(map) {}

  template <class T>
  void operator()(absl::string_view name, T& x) {
    const Value* value = map_.Find(name);
    if (value != nullptr) ++found_;
    bool read = false;
    if constexpr (std::is_same_v<T, std::optional<Bytes>>) {
      read = value == nullptr || value->is_null() || Convert(*value, x.emplace());
      if (value == nullptr || value->is_null()) x.reset();
    } else {
      read = value != nullptr && Convert(*value, x);
    }
    if (!read && wrong_.empty()) wrong_ = std::string(name);
  }
  // "" or what is wrong.
  std::string Problem() const {
    if (map_.as_map() == nullptr) return "no map of fields";
    if (!wrong_.empty()) return absl::StrCat("field '", wrong_, "' missing or of another type");
    return found_ == map_.as_map()->size() ? "" : "an unknown field";
  }

 private:
  static bool Convert(const Value& value, uint16_t& x) {
    const uint64_t* n = value.as_unsigned();
    if (n == nullptr || *n > UINT16_MAX) return false;
    x = static_cast<uint16_t>(*n);
    return true;
  }
  template <class T>
  static bool Assign(const T* from, T& to) {
    if (from != nullptr) to = *from;
    return from != nullptr;
  }
  static bool Convert(const Value& value, bool& x) { return Assign(value.as_bool(), x); }
  static bool Convert(const Value& value, Bytes& x) { return Assign(value.as_bytes(), x); }
  static bool Convert(const Value& value, std::string& x) { return Assign(value.as_text(), x); }
  static bool Convert(const Value& value, std::vector<uint16_t>& x) {
    if (value.as_array() == nullptr) return false;
    return std::all_of(value.as_array()->begin(), value.as_array()->end(),
                       [&x](const Value& each) { return Convert(each, x.emplace_back()); });
  }

  const Value& map_;
  size_t found_ = 0;
  std::string wrong_;
};

absl::Status Malformed(absl::string_view kind, absl::string_view found) {
  return BadInput({.code = absl::StrCat("nsm_", kind, "_malformed"),
                   .what = absl::StrCat("NSM ", kind),
                   .expected = "a variant of the NSM API's with its fields",
                   .found = std::string(found)});
}

template <class T>
Bytes EncodeVariant(absl::string_view name, const T& fields) {
  Writer writer;
  Visit(writer, const_cast<T&>(fields));  // one description serves both ways; this one only reads
  return cbor::Encode(Value::OfMap({{Value::Text(name), writer.Take()}}));
}

template <class T, class Result>
absl::StatusOr<Result> ParseVariant(absl::string_view kind, const Value& value) {
  T fields;
  Reader reader(value);
  Visit(reader, fields);
  std::string problem = reader.Problem();
  if (!problem.empty()) return Malformed(kind, problem);
  return Result(std::move(fields));
}

// A variant's name and, if it has fields, their map.
struct Variant {
  std::string name;
  const Value* fields = nullptr;
};

absl::StatusOr<Variant> ReadVariant(absl::string_view kind, const Value& value) {
  if (value.as_text() != nullptr) return Variant{.name = *value.as_text()};
  const cbor::Map* map = value.as_map();
  if (map == nullptr || map->size() != 1 || map->front().first.as_text() == nullptr) {
    return Malformed(kind, "neither a name nor a map of one name");
  }
  return Variant{.name = *map->front().first.as_text(), .fields = &map->front().second};
}

template <class... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};
template <class... Ts>
Overloaded(Ts...) -> Overloaded<Ts...>;

}  // namespace

absl::string_view NsmErrorName(NsmError error) { return kErrorNames[static_cast<size_t>(error)]; }

Bytes EncodeNsmRequest(const NsmRequest& request) {
  return std::visit(
      Overloaded{
          [](const NsmAttestationRequest& x) { return EncodeVariant("Attestation", x); },
          [](const NsmDescribePcrRequest& x) { return EncodeVariant("DescribePCR", x); },
          [](const NsmExtendPcrRequest& x) { return EncodeVariant("ExtendPCR", x); },
          [](const NsmLockPcrRequest& x) { return EncodeVariant("LockPCR", x); },
          [](const NsmLockPcrsRequest& x) { return EncodeVariant("LockPCRs", x); },
          [](const NsmDescribeRequest&) { return cbor::Encode(Value::Text("DescribeNSM")); },
          [](const NsmRandomRequest&) { return cbor::Encode(Value::Text("GetRandom")); },
      },
      request);
}

absl::StatusOr<NsmRequest> ParseNsmRequest(ByteSpan bytes) {
  constexpr absl::string_view kKind = "request";
  SEALFOLD_ASSIGN_OR_RETURN(Value value, cbor::ParseTolerant(bytes, kRequestLimits));
  SEALFOLD_ASSIGN_OR_RETURN(Variant variant, ReadVariant(kKind, value));
  if (variant.fields == nullptr) {
    if (variant.name == "DescribeNSM") return NsmRequest(NsmDescribeRequest{});
    if (variant.name == "GetRandom") return NsmRequest(NsmRandomRequest{});
    return Malformed(kKind, "a name that stands for no request without fields");
  }
  if (variant.name == "Attestation") {
    return ParseVariant<NsmAttestationRequest, NsmRequest>(kKind, *variant.fields);
  }
  if (variant.name == "DescribePCR") {
    return ParseVariant<NsmDescribePcrRequest, NsmRequest>(kKind, *variant.fields);
  }
  if (variant.name == "ExtendPCR") {
    return ParseVariant<NsmExtendPcrRequest, NsmRequest>(kKind, *variant.fields);
  }
  if (variant.name == "LockPCR") {
    return ParseVariant<NsmLockPcrRequest, NsmRequest>(kKind, *variant.fields);
  }
  if (variant.name == "LockPCRs") {
    return ParseVariant<NsmLockPcrsRequest, NsmRequest>(kKind, *variant.fields);
  }
  return Malformed(kKind, "an unknown variant");
}

Bytes EncodeNsmResponse(const NsmResponse& response) {
  return std::visit(
      Overloaded{
          [](const NsmAttestationResponse& x) { return EncodeVariant("Attestation", x); },
          [](const NsmDescribePcrResponse& x) { return EncodeVariant("DescribePCR", x); },
          [](const NsmExtendPcrResponse& x) { return EncodeVariant("ExtendPCR", x); },
          [](const NsmLockPcrResponse&) { return cbor::Encode(Value::Text("LockPCR")); },
          [](const NsmLockPcrsResponse&) { return cbor::Encode(Value::Text("LockPCRs")); },
          [](const NsmDescribeResponse& x) { return EncodeVariant("DescribeNSM", x); },
          [](const NsmRandomResponse& x) { return EncodeVariant("GetRandom", x); },
          [](NsmError error) {
            return cbor::Encode(
                Value::OfMap({{Value::Text("Error"), Value::Text(NsmErrorName(error))}}));
          },
      },
      response);
}

absl::StatusOr<NsmResponse> ParseNsmResponse(ByteSpan bytes) {
  constexpr absl::string_view kKind = "response";
  SEALFOLD_ASSIGN_OR_RETURN(Value value, cbor::ParseTolerant(bytes, kResponseLimits));
  SEALFOLD_ASSIGN_OR_RETURN(Variant variant, ReadVariant(kKind, value));
  if (variant.fields == nullptr) {
    if (variant.name == "LockPCR") return NsmResponse(NsmLockPcrResponse{});
    if (variant.name == "LockPCRs") return NsmResponse(NsmLockPcrsResponse{});
    return Malformed(kKind, "a name that stands for no response without fields");
  }
  if (variant.name == "Attestation") {
    return ParseVariant<NsmAttestationResponse, NsmResponse>(kKind, *variant.fields);
  }
  if (variant.name == "DescribePCR") {
    return ParseVariant<NsmDescribePcrResponse, NsmResponse>(kKind, *variant.fields);
  }
  if (variant.name == "ExtendPCR") {
    return ParseVariant<NsmExtendPcrResponse, NsmResponse>(kKind, *variant.fields);
  }
  if (variant.name == "DescribeNSM") {
    return ParseVariant<NsmDescribeResponse, NsmResponse>(kKind, *variant.fields);
  }
  if (variant.name == "GetRandom") {
    return ParseVariant<NsmRandomResponse, NsmResponse>(kKind, *variant.fields);
  }
  const std::string* error = variant.fields->as_text();
  if (variant.name == "Error" && error != nullptr) {
    const auto* found = std::find(std::begin(kErrorNames), std::end(kErrorNames), *error);
    if (found != std::end(kErrorNames)) {
      return NsmResponse(static_cast<NsmError>(found - std::begin(kErrorNames)));
    }
  }
  return Malformed(kKind, "an unknown variant");
}

}  // namespace sealfold
