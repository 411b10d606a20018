#include "protocol/json/explain.h"

#include <algorithm>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "protocol/base/error.h"
#include "protocol/json/load.h"

namespace sealfold::json_internal {
namespace {

using nlohmann::json;

constexpr size_t kQuotedBytesMax = 80;

const json* Member(const json& object, const char* key) {
  auto it = object.is_object() ? object.find(key) : object.end();
  return it == object.end() ? nullptr : &*it;
}

// Follows "#/definitions/NAME"; our schemas use no other references.
const json& Resolve(const json& root, const json& node) {
  const json* ref = Member(node, "$ref");
  return ref == nullptr ? node : root.at(json::json_pointer(ref->get<std::string>().substr(1)));
}

const json* ChildSchema(const json& root, const json& node, const std::string& token) {
  if (const json* properties = Member(node, "properties")) {
    if (const json* child = Member(*properties, token.c_str())) return &Resolve(root, *child);
  }
  for (const char* key : {"additionalProperties", "items"}) {
    const json* child = Member(node, key);
    if (child != nullptr && child->is_object()) return &Resolve(root, *child);
  }
  return nullptr;
}

const json* ChildValue(const json& node, const std::string& token) {
  size_t index = 0;
  if (node.is_object()) return Member(node, token.c_str());
  if (node.is_array() && absl::SimpleAtoi(token, &index) && index < node.size())
    return &node[index];
  return nullptr;
}

std::string Quoted(const json& value) {
  std::string text = value.dump();
  if (text.size() <= kQuotedBytesMax) return text;
  size_t end = kQuotedBytesMax;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xC0) == 0x80)
    --end;  // not within a character
  return absl::StrCat(value.type_name(), " ", text.substr(0, end), "...");
}

std::string Bounds(const json& node, const char* low, const char* high, absl::string_view unit) {
  const json* from = Member(node, low);
  const json* to = Member(node, high);
  std::string text;
  if (from != nullptr && to != nullptr) {
    text = absl::StrCat(from->dump(), " to ", to->dump());
  } else if (from != nullptr) {
    text = absl::StrCat("at least ", from->dump());
  } else if (to != nullptr) {
    text = absl::StrCat("at most ", to->dump());
  } else {
    return "";
  }
  return absl::StrCat(" of ", text, unit);
}

std::string DescribeType(const json& node) {
  const json* type = Member(node, "type");
  if (type == nullptr) return "another value";
  if (type->is_array()) {
    return absl::StrJoin(*type, " or ", [](std::string* out, const json& t) {
      absl::StrAppend(out, t.get<std::string>());
    });
  }
  std::string name = type->get<std::string>();
  if (name == "string")
    return absl::StrCat("a text", Bounds(node, "minLength", "maxLength", " characters"));
  if (name == "array")
    return absl::StrCat("a list", Bounds(node, "minItems", "maxItems", " items"));
  if (name == "object") return "an object {...}";
  if (name == "boolean") return "true or false";
  std::string text = absl::StrCat(name == "integer" ? "a whole number" : "a number",
                                  Bounds(node, "minimum", "maximum", ""));
  if (const json* low = Member(node, "exclusiveMinimum")) {
    absl::StrAppend(&text, " greater than ", low->dump());
  }
  if (const json* step = Member(node, "multipleOf")) {
    absl::StrAppend(&text, ", a multiple of ", step->dump());
  }
  return text;
}

std::string Describe(const json& node) {
  if (const json* fixed = Member(node, "const")) return fixed->dump();
  if (const json* names = Member(node, "enum")) {
    return absl::StrJoin(*names, " or ",
                         [](std::string* out, const json& n) { absl::StrAppend(out, n.dump()); });
  }
  return DescribeType(node);
}

std::string Pointer(const std::vector<std::string>& path) {
  std::string text;
  for (const std::string& token : path) {
    absl::StrAppend(&text, "/", absl::StrReplaceAll(token, {{"~", "~0"}, {"/", "~1"}}));
  }
  return text.empty() ? "the document" : text;
}

std::string Advice(const json& node) {
  const json* description = Member(node, "description");
  return description == nullptr ? "" : description->get<std::string>();
}

std::vector<std::string> KnownNames(const json& node) {
  std::vector<std::string> names;
  if (const json* properties = Member(node, "properties")) {
    for (const auto& item : properties->items()) names.push_back(item.key());
  }
  return names;
}

}  // namespace

absl::Status ExplainFailure(const json& schema, const json& document,
                            const std::vector<std::string>& path, const std::string& source) {
  const json* node = &Resolve(schema, schema);
  const json* value = &document;
  for (const std::string& token : path) {
    node = ChildSchema(schema, *node, token);
    value = ChildValue(*value, token);
    SEALFOLD_CHECK(node != nullptr && value != nullptr);
  }
  const std::string where = absl::StrCat(source, ": ", Pointer(path));
  const json* more = Member(*node, "additionalProperties");
  const bool closed = more != nullptr && more->is_boolean() && !more->get<bool>();
  std::vector<std::string> known = KnownNames(*node);
  if (value->is_object() && closed) {
    for (const auto& item : value->items()) {
      if (std::find(known.begin(), known.end(), item.key()) != known.end()) continue;
      std::string nearest = NearestWord(item.key(), known);
      return BadInput({.code = "field_unknown",
                       .what = where,
                       .expected = absl::StrCat("fields of ", absl::StrJoin(known, ", ")),
                       .found = Quoted(json(item.key())),
                       .advice = nearest.empty()
                                     ? "remove it"
                                     : absl::StrCat("did you mean \"", nearest, "\"?")});
    }
  }
  const json* required = Member(*node, "required");
  if (value->is_object() && required != nullptr) {
    for (const json& name : *required) {
      if (value->contains(name.get<std::string>())) continue;
      const json* child = ChildSchema(schema, *node, name.get<std::string>());
      return BadInput({.code = "field_missing",
                       .what = where,
                       .expected = absl::StrCat("the field ", name.dump(),
                                                child == nullptr ? "" : ": " + Describe(*child)),
                       .found = "no such field",
                       .advice = child == nullptr ? "" : Advice(*child)});
    }
  }
  return BadInput({.code = "field_invalid",
                   .what = where,
                   .expected = Describe(*node),
                   .found = Quoted(*value),
                   .advice = Advice(*node)});
}

}  // namespace sealfold::json_internal
