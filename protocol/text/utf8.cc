#include "protocol/text/utf8.h"

#include <cstddef>
#include <cstdint>

namespace sealfold {
namespace {

uint8_t ByteAt(absl::string_view text, size_t i) { return static_cast<uint8_t>(text[i]); }

// The length of the well-formed sequence at the start of `text`, which is not empty; 0 if there is
// none (table 3-7 of the Unicode standard).
size_t SequenceLength(absl::string_view text) {
  const uint8_t lead = ByteAt(text, 0);
  if (lead < 0x80) return 1;
  size_t length = 0;
  uint8_t second_min = 0x80;
  uint8_t second_max = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) second_min = 0xA0;
    if (lead == 0xED) second_max = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) second_min = 0x90;
    if (lead == 0xF4) second_max = 0x8F;
  }
  if (length == 0 || text.size() < length) return 0;
  if (ByteAt(text, 1) < second_min || ByteAt(text, 1) > second_max) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((ByteAt(text, i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

bool IsUtf8(absl::string_view text) {
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

bool HasControlCharacter(absl::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const uint8_t c = ByteAt(text, i);
    if (c < 0x20 || c == 0x7F) return true;
    if (c == 0xC2 && i + 1 < text.size() && ByteAt(text, i + 1) < 0xA0) return true;
  }
  return false;
}

std::string OneLine(absl::string_view text, size_t size_bytes_max) {
  std::string out;
  size_t whole = 0;  // how much of `out` is kept if something must follow
  while (!text.empty()) {
    const size_t length = SequenceLength(text);
    const absl::string_view character = text.substr(0, length == 0 ? 1 : length);
    text.remove_prefix(character.size());
    if (character == "\n") {
      out += ' ';
    } else if (length == 0 || HasControlCharacter(character)) {
      out += '?';
    } else {
      out.append(character.data(), character.size());
    }
    if (out.size() > size_bytes_max) return out.substr(0, whole) + "...";
    if (out.size() + 3 <= size_bytes_max) whole = out.size();
  }
  return out;
}

}  // namespace sealfold
