// JSON values as text.
#ifndef SEALFOLD_PROTOCOL_JSON_JSON_TEXT_H_
#define SEALFOLD_PROTOCOL_JSON_JSON_TEXT_H_

#include <nlohmann/json.hpp>
#include <string>

namespace sealfold {

// `value` in one line, or in lines indented by so many spaces a level. Strings may hold anything,
// as paths do: what is not UTF-8 becomes U+FFFD, where dump() as it is would throw.
template <class J>
std::string JsonText(const J& value, int indent = -1) {
  return value.dump(indent, ' ', /*ensure_ascii=*/false, J::error_handler_t::replace);
}

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_JSON_JSON_TEXT_H_
