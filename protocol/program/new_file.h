// A file that nobody else has open or chose the mode of.
#ifndef SEALFOLD_PROTOCOL_PROGRAM_NEW_FILE_H_
#define SEALFOLD_PROTOCOL_PROGRAM_NEW_FILE_H_

#include <sys/types.h>

#include <string>

namespace sealfold {

// Opens a new file at `path`, for writing. What is there is taken away and not written to: it may
// be another's, or a link, in a folder that others may write to. -1, with errno, where it cannot
// be.
int OpenNewFile(const std::string& path, mode_t mode);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_PROGRAM_NEW_FILE_H_
