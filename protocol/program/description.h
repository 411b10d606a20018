// Files explained field by field, for people and as JSON: how every program shows what a file says.
#ifndef SEALFOLD_PROTOCOL_PROGRAM_DESCRIPTION_H_
#define SEALFOLD_PROTOCOL_PROGRAM_DESCRIPTION_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "protocol/program/program.h"

namespace sealfold {

struct Field {
  std::string name;
  nlohmann::ordered_json value;
  std::string meaning;  // for people
};

struct Description {
  std::string kind;      // stable: "plan", "record", ...
  std::string headline;  // for people; says also what was checked and what was not
  std::vector<Field> fields;
};

// A headline and a line for each field; in JSON one object {"event": "file", "kind", "about",
// "fields"}.
void PrintDescription(const Output& output, const Description& description);

// Fit to print whoever wrote it: in one line without control characters, at most so many bytes,
// "3f9a...". Requires: length_max >= 3.
std::string Shorten(const std::string& text, size_t length_max = 100);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_PROGRAM_DESCRIPTION_H_
