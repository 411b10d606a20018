// Whole files in and out. Errors are BadInput: the user named the path.
#ifndef SEALFOLD_EXAMPLES_HOSPITALS_DATA_FILES_H_
#define SEALFOLD_EXAMPLES_HOSPITALS_DATA_FILES_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace sealfold::hospitals {

// "file_unreadable".
absl::StatusOr<std::string> ReadFile(const std::string& path);

// Makes the folder of `path` where it is missing, replaces a file that is there. "file_unwritable".
absl::Status WriteFile(const std::string& path, absl::string_view content);

}  // namespace sealfold::hospitals

#endif  // SEALFOLD_EXAMPLES_HOSPITALS_DATA_FILES_H_
