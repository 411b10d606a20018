#include "protocol/base/bytes.h"

#include <sodium.h>

#include "absl/strings/escaping.h"
#include "protocol/base/error.h"

namespace sealfold {

void StoreBigEndian64(MutableByteSpan out, uint64_t value) {
  SEALFOLD_CHECK(out.size() == 8);
  for (int i = 0; i < 8; ++i) out[i] = static_cast<uint8_t>(value >> (56 - 8 * i));
}

uint64_t LoadBigEndian64(ByteSpan bytes) {
  SEALFOLD_CHECK(bytes.size() == 8);
  uint64_t value = 0;
  for (uint8_t b : bytes) value = value << 8 | b;
  return value;
}

std::string HexEncode(ByteSpan bytes) { return absl::BytesToHexString(AsText(bytes)); }

absl::StatusOr<Bytes> HexDecode(absl::string_view hex) {
  Bytes out(hex.size() / 2);
  size_t length = 0;
  if (hex.empty()) return out;  // sodium takes no null
  if (hex.size() % 2 != 0 ||
      sodium_hex2bin(out.data(), out.size(), hex.data(), hex.size(), nullptr, &length, nullptr) !=
          0 ||
      length != out.size()) {
    return BadInput({.code = "hex_invalid",
                     .what = "hexadecimal text",
                     .expected = "an even number of the characters 0-9, a-f, A-F",
                     .found = std::string(hex.substr(0, 80))});
  }
  return out;
}

bool EqualConstantTime(ByteSpan a, ByteSpan b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace sealfold
