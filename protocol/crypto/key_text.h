// A flat JSON object of plain texts, read in place: nothing of a secret is copied into ordinary
// memory.
#ifndef SEALFOLD_PROTOCOL_CRYPTO_KEY_TEXT_H_
#define SEALFOLD_PROTOCOL_CRYPTO_KEY_TEXT_H_

#include <map>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "protocol/base/bytes.h"

namespace sealfold::key_internal {

// {"name": "value", ...} with spaces anywhere between; values of printable ASCII without '"' and
// '\'. The views point into `text`. InvalidArgument ("key_file_malformed") for anything else and
// for a doubled name.
absl::StatusOr<std::map<absl::string_view, absl::string_view>> ParseFlatObject(
    absl::string_view text);

}  // namespace sealfold::key_internal

#endif  // SEALFOLD_PROTOCOL_CRYPTO_KEY_TEXT_H_
