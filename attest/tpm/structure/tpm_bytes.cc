#include "attest/tpm/structure/tpm_bytes.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {

void TpmReader::Keep(absl::string_view code, absl::string_view field, std::string expected,
                     std::string found) {
  rest_ = {};
  if (!status_.ok()) return;
  status_ =
      BadInput({.code = std::string(code),
                .what = field.empty() ? std::string(what_) : absl::StrCat(what_, "'s ", field),
                .expected = std::move(expected),
                .found = std::move(found)});
}

uint64_t TpmReader::Integer(size_t size) {
  uint64_t value = 0;
  for (uint8_t byte : Take(size)) value = value << 8 | byte;
  return value;
}

ByteSpan TpmReader::Take(size_t size) {
  if (!status_.ok()) return {};
  if (size > rest_.size()) {
    Keep("tpm_truncated", "", absl::StrCat(size, " more bytes"), absl::StrCat(rest_.size()));
    return {};
  }
  const ByteSpan taken = rest_.first(size);
  rest_.remove_prefix(size);
  return taken;
}

ByteSpan TpmReader::Sized(absl::string_view field, size_t size_max) {
  const size_t size = U16();
  if (size > size_max) {
    Fail(field, absl::StrCat("at most ", size_max, " bytes"), absl::StrCat(size));
    return {};
  }
  return Take(size);
}

void TpmReader::Fail(absl::string_view field, std::string expected, std::string found) {
  Keep("tpm_field", field, std::move(expected), std::move(found));
}

void TpmReader::Require(bool holds, absl::string_view field, absl::string_view expected,
                        uint64_t found) {
  if (!holds && ok()) Fail(field, std::string(expected), absl::StrCat("0x", absl::Hex(found)));
}

absl::Status TpmReader::Finish() {
  if (status_.ok() && !rest_.empty()) {
    Keep("tpm_trailing", "end", "nothing after it", absl::StrCat(rest_.size(), " bytes"));
  }
  return status_;
}

TpmWriter& TpmWriter::Sized(ByteSpan bytes) {
  SEALFOLD_CHECK(bytes.size() <= UINT16_MAX);
  return U16(static_cast<uint16_t>(bytes.size())).Raw(bytes);
}

TpmWriter& TpmWriter::Integer(uint64_t value, size_t size) {
  for (size_t i = size; i > 0; --i) bytes_.push_back(static_cast<uint8_t>(value >> (8 * (i - 1))));
  return *this;
}

}  // namespace sealfold
