// Files that a program keeps for itself and that may not be there yet.
#ifndef SEALFOLD_PROTOCOL_PROGRAM_OPTIONAL_FILE_H_
#define SEALFOLD_PROTOCOL_PROGRAM_OPTIONAL_FILE_H_

#include <cstddef>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace sealfold {

// As ReadFile (program.h); nullopt where there is no such file. One that cannot be looked at is an
// error ("file_unusable"): who took it for none would begin anew what it holds.
absl::StatusOr<std::optional<std::string>> ReadFileIfThere(const std::string& path,
                                                           size_t size_bytes_max);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_PROGRAM_OPTIONAL_FILE_H_
