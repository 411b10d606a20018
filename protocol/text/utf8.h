// UTF-8 as RFC 3629 has it.
#ifndef SEALFOLD_PROTOCOL_TEXT_UTF8_H_
#define SEALFOLD_PROTOCOL_TEXT_UTF8_H_

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace sealfold {

// False for overlong forms, surrogates, values above U+10FFFF and cut sequences.
bool IsUtf8(absl::string_view text);

// True if `text`, which is UTF-8, holds a control character: U+0000 to U+001F, U+007F to U+009F.
bool HasControlCharacter(absl::string_view text);

// `text` in one line that is safe to print: what is not UTF-8 and each control character is a '?',
// a line's end a space. What is longer than `size_bytes_max` is cut between characters and ends
// with "...". Requires: size_bytes_max >= 3.
std::string OneLine(absl::string_view text, size_t size_bytes_max);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_TEXT_UTF8_H_
