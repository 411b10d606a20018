// JSON that people write (plans, policies), read strictly and checked against a JSON Schema.
#ifndef SEALFOLD_PROTOCOL_JSON_LOAD_H_
#define SEALFOLD_PROTOCOL_JSON_LOAD_H_

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealfold {

inline constexpr size_t kJsonBytesMax = 16u << 20;
inline constexpr int kJsonDepthMax = 32;

// Parses `text` (RFC 8259) and validates it against `schema`. Refused as InvalidArgument:
//   json_too_large, json_syntax (also trailing text, invalid UTF-8, numbers beyond double's range),
//   json_doubled_key, json_too_deep;
//   field_unknown (suggests the nearest known name), field_missing, field_invalid.
// Errors start with `source` (a path or a word for people) and a JSON pointer (RFC 6901), and say
// what was expected and found. Only the first is reported, outermost before inner where both apply.
//
// `schema` is one of our own, embedded by sealfold_embed_text: JSON Schema draft 7. Explained are
// `type`, `enum`, `const`, bounds of numbers, lengths and items, `required`, `properties`,
// `additionalProperties`, `items` and `$ref` to "#/definitions/..."; a node's `description` becomes
// the error's advice. `pattern` is not to be used (std::regex recurses on long input): what a text
// must look like is checked where it is used. Whole numbers end at 2^63 - 1: give each a `maximum`.
absl::StatusOr<nlohmann::json> LoadJson(absl::string_view text, absl::string_view schema,
                                        absl::string_view source);

// Of those in `known`, the word fewest edits away from `word`; "" when none is near enough to be
// meant.
std::string NearestWord(absl::string_view word, const std::vector<std::string>& known);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_JSON_LOAD_H_
