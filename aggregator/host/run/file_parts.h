// Parts of the run's public files, for any number of askers.
#ifndef SEALFOLD_AGGREGATOR_HOST_RUN_FILE_PARTS_H_
#define SEALFOLD_AGGREGATOR_HOST_RUN_FILE_PARTS_H_

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "protocol/base/shared_bytes.h"
#include "protocol/model/mapped_file.h"

namespace sealfold {

struct FilePart {
  SharedBytes bytes;
  uint64_t total = 0;  // size of the whole file
};

// Parts are views of one mapping a file, and nothing of a file is copied: an asker that never reads
// what it asked for costs no memory that the system could not take back. The mapping lasts as long
// as a part of it does, and of the file that was asked for last. One thread; parts end on any.
class FileParts {
 public:
  // At most `length_max` bytes from `offset`. The file must not change any more, not even be
  // replaced. PermissionDenied ("offset_out_of_range"), or an error of MappedFile.
  absl::StatusOr<FilePart> Read(const std::string& path, uint64_t offset, size_t length_max);

 private:
  absl::StatusOr<std::shared_ptr<const MappedFile>> Mapped(const std::string& path);

  std::map<std::string, std::weak_ptr<const MappedFile>> mapped_;
  std::shared_ptr<const MappedFile> last_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_HOST_RUN_FILE_PARTS_H_
