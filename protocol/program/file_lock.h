// Locks between processes (flock).
#ifndef SEALFOLD_PROTOCOL_PROGRAM_FILE_LOCK_H_
#define SEALFOLD_PROTOCOL_PROGRAM_FILE_LOCK_H_

namespace sealfold {

// Waits until this open file or folder is locked for its holder alone; closing it gives the lock
// up. A file that is replaced needs another one beside it to be locked. False, with errno, where it
// cannot be had.
bool WaitForLock(int fd);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_PROGRAM_FILE_LOCK_H_
