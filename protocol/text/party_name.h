// The names of participants and of who else holds a key, as plans and public key files have them.
#ifndef SEALFOLD_PROTOCOL_TEXT_PARTY_NAME_H_
#define SEALFOLD_PROTOCOL_TEXT_PARTY_NAME_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "protocol/text/utf8.h"

namespace sealfold {

inline constexpr size_t kPartyNameBytesMax = 256;

// 1 to kPartyNameBytesMax bytes of UTF-8 without control characters.
inline bool IsPartyName(absl::string_view name) {
  return !name.empty() && name.size() <= kPartyNameBytesMax && IsUtf8(name) &&
         !HasControlCharacter(name);
}

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_TEXT_PARTY_NAME_H_
