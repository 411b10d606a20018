// Views and owners of bytes, and their textual form.
#ifndef SEALFOLD_PROTOCOL_BASE_BYTES_H_
#define SEALFOLD_PROTOCOL_BASE_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace sealfold {

using ByteSpan = absl::Span<const uint8_t>;
using MutableByteSpan = absl::Span<uint8_t>;
using Bytes = std::vector<uint8_t>;

// The bytes of `text`, without a terminator. The view lives as long as `text`.
inline ByteSpan AsBytes(absl::string_view text) {
  return ByteSpan(reinterpret_cast<const uint8_t*>(text.data()), text.size());
}

// `bytes` seen as text; nothing is checked.
inline absl::string_view AsText(ByteSpan bytes) {
  return absl::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

inline Bytes ToBytes(ByteSpan bytes) { return Bytes(bytes.begin(), bytes.end()); }

inline void Append(Bytes& out, ByteSpan more) { out.insert(out.end(), more.begin(), more.end()); }

// 64-bit integers as 8 bytes, most significant first. Requires: the span has 8 bytes.
void StoreBigEndian64(MutableByteSpan out, uint64_t value);
uint64_t LoadBigEndian64(ByteSpan bytes);

// Lower-case hexadecimal.
std::string HexEncode(ByteSpan bytes);

// Accepts either case. InvalidArgument for an odd length or another character.
absl::StatusOr<Bytes> HexDecode(absl::string_view hex);

// Compares in time that depends on the lengths only. False when the lengths differ.
bool EqualConstantTime(ByteSpan a, ByteSpan b);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_BASE_BYTES_H_
