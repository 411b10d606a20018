#include "protocol/json/load.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

// Without this Valijson aborts the process where it would throw.
#define VALIJSON_USE_EXCEPTIONS 1
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/json/explain.h"

namespace sealfold {
namespace {

using nlohmann::json;
using valijson::adapters::NlohmannJsonAdapter;

// Thrown out of the parser's callback, which has no other way to stop it; caught in Parse.
struct StopParsing {
  absl::Status status;
};

// Sees every key, with which the library itself would only replace an earlier value.
class StrictCallback {
 public:
  explicit StrictCallback(std::string source) : source_(std::move(source)) {}

  bool operator()(int depth, json::parse_event_t event, const json& parsed) {
    if (depth > kJsonDepthMax) {
      throw StopParsing{BadInput({.code = "json_too_deep",
                                  .what = source_,
                                  .expected = absl::StrCat("at most ", kJsonDepthMax, " levels"),
                                  .found = "more"})};
    }
    if (event == json::parse_event_t::object_start) open_.emplace_back();
    if (event == json::parse_event_t::object_end) open_.pop_back();
    if (event == json::parse_event_t::key &&
        !open_.back().insert(parsed.get<std::string>()).second) {
      throw StopParsing{BadInput({.code = "json_doubled_key",
                                  .what = source_,
                                  .expected = "each field once in an object",
                                  .found = absl::StrCat(parsed.dump(), " twice"),
                                  .advice = "remove one of the two"})};
    }
    return true;
  }

 private:
  std::string source_;
  std::vector<std::set<std::string>> open_;  // keys so far of each object that is not finished
};

// "line L, column C" of the `byte`-th byte, counted from 1 as the library does.
std::string Place(absl::string_view text, size_t byte) {
  absl::string_view before = text.substr(0, byte == 0 ? 0 : byte - 1);
  size_t line_start = before.rfind('\n');
  size_t column =
      line_start == absl::string_view::npos ? before.size() : before.size() - line_start - 1;
  return absl::StrCat("line ", 1 + std::count(before.begin(), before.end(), '\n'), ", column ",
                      column + 1);
}

absl::StatusOr<json> Parse(absl::string_view text, const std::string& source) {
  try {
    StrictCallback callback(source);
    return json::parse(text.begin(), text.end(), std::ref(callback));
  } catch (const StopParsing& stop) {
    return stop.status;
  } catch (const json::parse_error& e) {
    return BadInput({.code = "json_syntax",
                     .what = source,
                     .expected = "one JSON document (RFC 8259) in UTF-8",
                     .found = absl::StrCat("an error at ", Place(text, e.byte)),
                     .advice = "look there for a missing or extra comma, quote or bracket"});
  } catch (const json::exception&) {
    return BadInput({.code = "json_syntax",
                     .what = source,
                     .expected = "numbers within the range of a double",
                     .found = "one beyond"});
  }
}

// Of the errors that Valijson collected, the place of the innermost: the others only follow from
// it.
std::vector<std::string> FailurePath(valijson::ValidationResults& results) {
  std::vector<std::string> path;
  valijson::ValidationResults::Error error;
  bool first = true;
  while (results.popError(error)) {
    if (!first && error.context.size() <= path.size() + 1) continue;
    first = false;
    path.clear();
    // The context is "<root>", then "[key]" or "[index]".
    for (size_t i = 1; i < error.context.size(); ++i) {
      path.push_back(error.context[i].substr(1, error.context[i].size() - 2));
    }
  }
  return path;
}

}  // namespace

absl::StatusOr<json> LoadJson(absl::string_view text, absl::string_view schema_text,
                              absl::string_view source) {
  if (text.size() > kJsonBytesMax) {
    return BadInput({.code = "json_too_large",
                     .what = std::string(source),
                     .expected = absl::StrCat("at most ", kJsonBytesMax, " bytes"),
                     .found = absl::StrCat(text.size(), " bytes")});
  }
  const std::string name(source);
  SEALFOLD_ASSIGN_OR_RETURN(json document, Parse(text, name));
  try {
    const json schema_document = json::parse(schema_text.begin(), schema_text.end());
    valijson::Schema schema;
    valijson::SchemaParser(valijson::SchemaParser::kDraft7)
        .populateSchema(NlohmannJsonAdapter(schema_document), schema);
    valijson::ValidationResults results;
    valijson::Validator validator;
    if (validator.validate(schema, NlohmannJsonAdapter(document), &results)) return document;
    return json_internal::ExplainFailure(schema_document, document, FailurePath(results), name);
  } catch (const std::exception& e) {
    // The document is well-formed JSON and the schema is ours: only what Valijson itself cannot
    // take.
    return BadInput({.code = "json_unsupported", .what = name, .found = e.what()});
  }
}

}  // namespace sealfold
