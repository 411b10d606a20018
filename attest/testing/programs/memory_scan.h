// Whether bytes are anywhere in a process's memory, for tests of what is wiped.
#ifndef SEALFOLD_ATTEST_TESTING_PROGRAMS_MEMORY_SCAN_H_
#define SEALFOLD_ATTEST_TESTING_PROGRAMS_MEMORY_SCAN_H_

#include <sys/types.h>

#include <optional>

#include "protocol/base/bytes.h"

namespace sealfold {

// The bytes, each changed: to look for them where they must not be, oneself must not have them.
Bytes Masked(ByteSpan bytes);

// How often the bytes that `masked` is made of are in the memory that the process may write to;
// none where this system does not let a test look (ptrace's restrictions), or the build is
// sanitized. The process is this one or a child of it.
std::optional<int> CountInMemory(pid_t pid, const Bytes& masked);

// The same of this process, as it is now.
std::optional<int> CountInOwnMemory(const Bytes& masked);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TESTING_PROGRAMS_MEMORY_SCAN_H_
