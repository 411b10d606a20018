// UTF-8 as RFC 3629 has it.
#ifndef SEALFOLD_PROTOCOL_BASE_UTF8_H_
#define SEALFOLD_PROTOCOL_BASE_UTF8_H_

#include "absl/strings/string_view.h"

namespace sealfold {

// False for overlong forms, surrogates, values above U+10FFFF and cut sequences.
bool IsUtf8(absl::string_view text);

// True if `text`, which is UTF-8, holds a control character: U+0000 to U+001F, U+007F to U+009F.
bool HasControlCharacter(absl::string_view text);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_BASE_UTF8_H_
