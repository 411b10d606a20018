// Large files, read without holding them in memory.
#ifndef SEALFOLD_PROTOCOL_MODEL_MAPPED_FILE_H_
#define SEALFOLD_PROTOCOL_MODEL_MAPPED_FILE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"

namespace sealfold {

// A read-only file mapped into memory; pages come and go as they are touched. Moves, does not copy.
// The file must not be cut while it is mapped: touching a page that is gone ends the program
// (SIGBUS).
class MappedFile {
 public:
  // BadInput "file_unreadable" for what is not there or no regular file, "file_empty" for an empty
  // one.
  static absl::StatusOr<MappedFile> Open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();
  ByteSpan span() const { return span_; }
  // Has the pages of `bytes` from `offset` on in memory before they are touched one by one, where
  // the system can do that.
  void Prefetch(uint64_t offset, uint64_t bytes) const;
  // Tells the system that the first `bytes` are not needed any more, so that a long read does not
  // fill memory. They stay readable: touched again, they are read from the file again.
  void DropBefore(uint64_t bytes) const;

 private:
  explicit MappedFile(ByteSpan span) : span_(span) {}
  ByteSpan span_;
};

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_MODEL_MAPPED_FILE_H_
