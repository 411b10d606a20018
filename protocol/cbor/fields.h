// One description of a message for both directions.
//
// A message is a struct with a member template that names its fields:
//
//   struct Hello {
//     static constexpr char kType[] = "hello";
//     Digest plan;
//     SessionNonce nonce;
//     template <class V> void Fields(V& v) { v("plan", plan); v("nonce", nonce); }
//   };
//
// EncodeFields writes the deterministic map {"type": kType, "plan": ..., "nonce": ...};
// DecodeFields reads exactly that: a missing, unknown, doubled or ill-typed field, or a
// non-deterministic encoding, is an InvalidArgument naming the field. Supported members: uint64_t,
// uint32_t, bool, double (finite), std::string, Bytes, FixedBytes, StrongUint, structs with Fields
// (nested maps without "type"), std::vector and std::optional (absent field) of these, and enums
// for which CborEnumNames(E) gives names.
#ifndef SEALFOLD_PROTOCOL_CBOR_FIELDS_H_
#define SEALFOLD_PROTOCOL_CBOR_FIELDS_H_

#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "absl/strings/str_cat.h"
#include "protocol/base/types.h"
#include "protocol/cbor/value.h"

namespace sealfold::cbor {

namespace internal {

struct AnyVisitor {
  template <class T>
  void operator()(absl::string_view, T&) {}
};

template <class T>
concept HasFields = requires(T t, AnyVisitor v) {
  t.Fields(v);
};

template <class T>
concept HasType = requires {
  T::kType;
};

// An enum E takes part by a function, found by ADL, that lists its names in order of value from 0:
//   absl::Span<const char* const> CborEnumNames(E);
template <class T>
concept NamedEnum = std::is_enum_v<T> && requires(T t) {
  CborEnumNames(t);
};

template <class T>
Value ToValue(const T& x);

class Writer {
 public:
  template <class T>
  void operator()(absl::string_view name, T& x) {
    map_.emplace_back(Value::Text(name), ToValue(x));
  }
  template <class T>
  void operator()(absl::string_view name, std::optional<T>& x) {
    if (x.has_value()) map_.emplace_back(Value::Text(name), ToValue(*x));
  }
  Map Take() { return std::move(map_); }

 private:
  Map map_;
};

template <class T>
struct Convert;

template <>
struct Convert<uint64_t> {
  static Value To(uint64_t x) { return Value::Unsigned(x); }
  static bool From(const Value& v, uint64_t& x) {
    if (v.as_unsigned() == nullptr) return false;
    x = *v.as_unsigned();
    return true;
  }
  static constexpr char kExpected[] = "unsigned integer";
};
template <>
struct Convert<uint32_t> {
  static Value To(uint32_t x) { return Value::Unsigned(x); }
  static bool From(const Value& v, uint32_t& x) {
    if (v.as_unsigned() == nullptr || *v.as_unsigned() > UINT32_MAX) return false;
    x = static_cast<uint32_t>(*v.as_unsigned());
    return true;
  }
  static constexpr char kExpected[] = "unsigned integer below 2^32";
};
template <>
struct Convert<bool> {
  static Value To(bool x) { return Value::Bool(x); }
  static bool From(const Value& v, bool& x) {
    if (v.as_bool() == nullptr) return false;
    x = *v.as_bool();
    return true;
  }
  static constexpr char kExpected[] = "true or false";
};
template <>
struct Convert<double> {
  static Value To(double x) { return Value::Float(x); }
  static bool From(const Value& v, double& x) {
    if (v.as_float() == nullptr) return false;
    x = *v.as_float();
    return x - x == 0;  // finite
  }
  static constexpr char kExpected[] = "finite floating-point number";
};
template <>
struct Convert<std::string> {
  static Value To(const std::string& x) { return Value::Text(x); }
  static bool From(const Value& v, std::string& x) {
    if (v.as_text() == nullptr) return false;
    x = *v.as_text();
    return true;
  }
  static constexpr char kExpected[] = "text";
};
template <>
struct Convert<Bytes> {
  static Value To(const Bytes& x) { return Value::OfBytes(x); }
  static bool From(const Value& v, Bytes& x) {
    if (v.as_bytes() == nullptr) return false;
    x = *v.as_bytes();
    return true;
  }
  static constexpr char kExpected[] = "byte string";
};
template <class Tag, size_t N>
struct Convert<FixedBytes<Tag, N>> {
  static Value To(const FixedBytes<Tag, N>& x) { return Value::OfBytes(x.span()); }
  static bool From(const Value& v, FixedBytes<Tag, N>& x) {
    if (v.as_bytes() == nullptr || v.as_bytes()->size() != N) return false;
    x = *FixedBytes<Tag, N>::From(*v.as_bytes());
    return true;
  }
  static constexpr const char* kExpected = Tag::kName;
};
template <class Tag>
struct Convert<StrongUint<Tag>> {
  static Value To(const StrongUint<Tag>& x) { return Value::Unsigned(x.value()); }
  static bool From(const Value& v, StrongUint<Tag>& x) {
    if (v.as_unsigned() == nullptr) return false;
    x = StrongUint<Tag>(*v.as_unsigned());
    return true;
  }
  static constexpr char kExpected[] = "unsigned integer";
};
template <NamedEnum E>
struct Convert<E> {
  static Value To(E x) { return Value::Text(CborEnumNames(x)[static_cast<size_t>(x)]); }
  static bool From(const Value& v, E& x) {
    if (v.as_text() == nullptr) return false;
    auto names = CborEnumNames(E{});
    for (size_t i = 0; i < names.size(); ++i) {
      if (*v.as_text() == names[i]) {
        x = static_cast<E>(i);
        return true;
      }
    }
    return false;
  }
  static constexpr char kExpected[] = "one of the names the specification lists";
};

// Reads named fields out of a map; keeps the first error.
class Reader {
 public:
  Reader(const Value& map, std::string path) : map_(map), path_(std::move(path)) {}

  template <class T>
  void operator()(absl::string_view name, T& x) {
    if (!status_.ok()) return;
    seen_.insert(std::string(name));
    const Value* v = map_.Find(name);
    if (v == nullptr) {
      Fail("field_missing", name, "a field of this name", "none");
      return;
    }
    Read(*v, absl::StrCat(path_, name), x);
  }
  template <class T>
  void operator()(absl::string_view name, std::optional<T>& x) {
    if (!status_.ok()) return;
    seen_.insert(std::string(name));
    const Value* v = map_.Find(name);
    x.reset();
    if (v != nullptr) Read(*v, absl::StrCat(path_, name), x.emplace());
  }
  void Expect(absl::string_view name, absl::string_view text);
  absl::Status Finish();

 private:
  template <class T>
  void Read(const Value& v, const std::string& path, T& x) {
    if constexpr (HasFields<T>) {
      if (v.as_map() == nullptr) {
        FailAt("field_type", path, "map", KindName(v.kind()));
        return;
      }
      Reader inner(v, absl::StrCat(path, "."));
      x.Fields(inner);
      status_ = inner.Finish();
    } else if (!Convert<T>::From(v, x)) {
      FailAt("field_type", path, Convert<T>::kExpected, KindName(v.kind()));
    }
  }
  template <class T>
  void Read(const Value& v, const std::string& path,
            std::vector<T>& x) requires(!std::is_same_v<std::vector<T>, Bytes>) {
    if (v.as_array() == nullptr) {
      FailAt("field_type", path, "array", KindName(v.kind()));
      return;
    }
    x.clear();
    for (size_t i = 0; i < v.as_array()->size() && status_.ok(); ++i) {
      Read((*v.as_array())[i], absl::StrCat(path, "[", i, "]"), x.emplace_back());
    }
  }
  void Fail(absl::string_view code, absl::string_view name, absl::string_view expected,
            absl::string_view found) {
    FailAt(code, absl::StrCat(path_, name), expected, found);
  }
  void FailAt(absl::string_view code, absl::string_view path, absl::string_view expected,
              absl::string_view found);

  const Value& map_;
  std::string path_;
  std::set<std::string> seen_;
  absl::Status status_;
};

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::bool_constant<!std::is_same_v<std::vector<T>, Bytes>> {};

template <class T>
Value ToValue(const T& x) {
  if constexpr (HasFields<T>) {
    Writer w;
    const_cast<T&>(x).Fields(w);  // Fields serves both directions; Writer only reads
    return Value::OfMap(w.Take());
  } else if constexpr (IsVector<T>::value) {
    Array a;
    a.reserve(x.size());
    for (const auto& e : x) a.push_back(ToValue(e));
    return Value::OfArray(std::move(a));
  } else {
    return Convert<T>::To(x);
  }
}

}  // namespace internal

// Requires: M has Fields. With M::kType the map has "type" too.
template <class M>
Bytes EncodeFields(const M& message) {
  internal::Writer w;
  const_cast<M&>(message).Fields(w);
  Map map = w.Take();
  if constexpr (internal::HasType<M>) map.emplace_back(Value::Text("type"), Value::Text(M::kType));
  return Encode(Value::OfMap(std::move(map)));
}

template <class M>
absl::StatusOr<M> DecodeFields(ByteSpan bytes, const Limits& limits = {}) {
  SEALFOLD_ASSIGN_OR_RETURN(Value value, ParseDeterministic(bytes, limits));
  M message;
  internal::Reader r(value, "");
  if constexpr (internal::HasType<M>) r.Expect("type", M::kType);
  message.Fields(r);
  SEALFOLD_RETURN_IF_ERROR(r.Finish());
  return message;
}

// The "type" of a deterministic message; InvalidArgument if there is none.
absl::StatusOr<std::string> PeekType(ByteSpan bytes, const Limits& limits = {});

}  // namespace sealfold::cbor

#endif  // SEALFOLD_PROTOCOL_CBOR_FIELDS_H_
