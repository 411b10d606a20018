// What sealfold-softnsm measures of a program: SHA-384 of its executable file's bytes, register 0.
#ifndef SEALFOLD_ATTEST_MEASURE_PROGRAM_FILE_H_
#define SEALFOLD_ATTEST_MEASURE_PROGRAM_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "protocol/base/types.h"

namespace sealfold {

// InvalidArgument, code "measure_unreadable", for a path that is no readable regular file;
// "measure_changed" if it was written to meanwhile.
absl::StatusOr<Measurement> MeasureProgram(const std::string& path);

// The same of an open file, from its first byte; the file's position stays as it is.
absl::StatusOr<Measurement> MeasureOpenProgram(int fd);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_MEASURE_PROGRAM_FILE_H_
