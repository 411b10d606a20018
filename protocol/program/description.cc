#include "protocol/program/description.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "protocol/json/json_text.h"
#include "protocol/text/utf8.h"

namespace sealfold {
namespace {

using nlohmann::ordered_json;

constexpr size_t kValueShownMax = 100;

std::string ValueText(const ordered_json& value) {
  return value.is_string() ? value.get<std::string>() : JsonText(value);
}

void PrintField(const Output& output, const Field& field, size_t width) {
  const std::string name =
      absl::StrCat("  ", field.name, std::string(width - field.name.size(), ' '), "  ");
  const bool many = field.value.is_array() && field.value.size() > 1;
  if (!many && !field.value.is_object()) {
    output.Line(absl::StrCat(name, Shorten(ValueText(field.value), kValueShownMax), "  (",
                             field.meaning, ")"));
    return;
  }
  output.Line(absl::StrCat(name, "(", field.meaning, ")"));
  for (const auto& [key, value] : field.value.items()) {
    const std::string label = field.value.is_object() ? absl::StrCat(Shorten(key), " ") : "";
    output.Line(absl::StrCat("      ", label, Shorten(ValueText(value), 2 * kValueShownMax)));
  }
}

}  // namespace

void PrintDescription(const Output& output, const Description& description) {
  ordered_json event = {
      {"event", "file"}, {"kind", description.kind}, {"about", description.headline}};
  for (const Field& field : description.fields) event["fields"][field.name] = field.value;
  output.Json(JsonText(event));
  if (output.json()) return;
  size_t width = 0;
  for (const Field& field : description.fields) width = std::max(width, field.name.size());
  output.Line(output.Bold(description.headline));
  for (const Field& field : description.fields) PrintField(output, field, width);
}

std::string Shorten(const std::string& text, size_t length_max) {
  return OneLine(text, length_max);
}

}  // namespace sealfold
