#include "protocol/crypto/key_text.h"

#include "protocol/base/error.h"

namespace sealfold::key_internal {
namespace {

class Scanner {
 public:
  explicit Scanner(absl::string_view text) : rest_(text) {}

  // Skips spaces, then takes `c` if it is next.
  bool Take(char c) {
    SkipSpaces();
    if (rest_.empty() || rest_.front() != c) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool TakeText(absl::string_view& text) {
    if (!Take('"')) return false;
    size_t length = 0;
    while (length < rest_.size() && rest_[length] != '"') {
      const char c = rest_[length++];
      if (c < 0x20 || c > 0x7e || c == '\\') return false;
    }
    if (length == rest_.size()) return false;
    text = rest_.substr(0, length);
    rest_.remove_prefix(length + 1);
    return true;
  }
  bool AtEnd() {
    SkipSpaces();
    return rest_.empty();
  }

 private:
  void SkipSpaces() {
    const size_t length = rest_.find_first_not_of(" \t\r\n");
    rest_.remove_prefix(length == absl::string_view::npos ? rest_.size() : length);
  }
  absl::string_view rest_;
};

}  // namespace

absl::StatusOr<std::map<absl::string_view, absl::string_view>> ParseFlatObject(
    absl::string_view text) {
  std::map<absl::string_view, absl::string_view> members;
  Scanner scanner(text);
  bool good = scanner.Take('{');
  do {
    absl::string_view name;
    absl::string_view value;
    good = good && scanner.TakeText(name) && scanner.Take(':') && scanner.TakeText(value) &&
           members.emplace(name, value).second;
  } while (good && scanner.Take(','));
  if (!good || !scanner.Take('}') || !scanner.AtEnd()) {
    return BadInput({.code = "key_file_malformed",
                     .what = "key file",
                     .expected = "one JSON object of texts, each name once",
                     .found = "something else",
                     .advice = "use the file that keygen wrote as it is"});
  }
  return members;
}

}  // namespace sealfold::key_internal
