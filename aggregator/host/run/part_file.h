// A file that grows from its start, hashed as it does.
#ifndef SEALFOLD_AGGREGATOR_HOST_RUN_PART_FILE_H_
#define SEALFOLD_AGGREGATOR_HOST_RUN_PART_FILE_H_

#include <string>

#include "absl/status/statusor.h"
#include "protocol/base/types.h"
#include "protocol/crypto/hash.h"

namespace sealfold {

// Moves, does not copy. The file stays when its owner goes.
class PartFile {
 public:
  // Empties a file that is there.
  static absl::StatusOr<PartFile> Create(const std::string& path);
  PartFile(PartFile&& other) noexcept;
  PartFile& operator=(PartFile&& other) noexcept;
  ~PartFile();

  absl::Status Append(ByteSpan bytes);
  // What was appended is on disk when this returns OK.
  absl::Status Sync();
  uint64_t size_bytes() const { return size_bytes_; }
  Digest digest() const { return hash_.Peek(); }

 private:
  PartFile(std::string path, int fd) : path_(std::move(path)), fd_(fd) {}
  std::string path_;
  int fd_;
  uint64_t size_bytes_ = 0;
  Sha256Stream hash_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_HOST_RUN_PART_FILE_H_
