#include "attest/keyclient/wire/base64.h"

#include "absl/strings/escaping.h"
#include "attest/keyclient/wire/wiped_text.h"
#include "protocol/base/error.h"

namespace sealfold {

std::string Base64Encode(ByteSpan bytes) { return absl::Base64Escape(AsText(bytes)); }

absl::StatusOr<Bytes> Base64Decode(absl::string_view what, absl::string_view text) {
  WipedText decoded;
  const bool readable = absl::Base64Unescape(text, &*decoded);
  const WipedText again(absl::Base64Escape(*decoded));
  // The library takes spaces and missing padding too: there is one form of each value here.
  if (!readable || *again != text) {
    return BadInput({.code = "base64_malformed",
                     .what = std::string(what),
                     .expected = "base64 with padding (RFC 4648, section 4)",
                     .found = "something else"});
  }
  return ToBytes(AsBytes(*decoded));
}

}  // namespace sealfold
