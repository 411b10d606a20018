#include "protocol/base/bytes.h"

#include <sodium.h>

#include "absl/strings/escaping.h"
#include "protocol/base/error.h"

namespace sealfold {

std::string HexEncode(ByteSpan bytes) { return absl::BytesToHexString(AsText(bytes)); }

absl::StatusOr<Bytes> HexDecode(absl::string_view hex) {
  Bytes out(hex.size() / 2);
  size_t length = 0;
  if (hex.size() % 2 != 0 ||
      sodium_hex2bin(out.data(), out.size(), hex.data(), hex.size(), nullptr, &length, nullptr) != 0 ||
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
