#include "aggregator/host/run/file_parts.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {

absl::StatusOr<FilePart> FileParts::Read(const std::string& path, uint64_t offset,
                                         size_t length_max) {
  SEALFOLD_ASSIGN_OR_RETURN(std::shared_ptr<const MappedFile> file, Mapped(path));
  const ByteSpan whole = file->span();
  if (offset > whole.size()) {
    return Refused({.code = "offset_out_of_range",
                    .what = "part of a file",
                    .expected = absl::StrCat("an offset up to ", whole.size()),
                    .found = absl::StrCat(offset)});
  }
  const size_t size = std::min<uint64_t>(length_max, whole.size() - offset);
  return FilePart{.bytes = SharedBytes(std::move(file), whole.subspan(offset, size)),
                  .total = whole.size()};
}

absl::StatusOr<std::shared_ptr<const MappedFile>> FileParts::Mapped(const std::string& path) {
  const auto found = mapped_.find(path);
  if (found != mapped_.end()) {
    if (std::shared_ptr<const MappedFile> file = found->second.lock()) return last_ = file;
  }
  SEALFOLD_ASSIGN_OR_RETURN(MappedFile opened, MappedFile::Open(path));
  last_ = std::make_shared<const MappedFile>(std::move(opened));
  std::erase_if(mapped_, [](const auto& entry) { return entry.second.expired(); });
  mapped_[path] = last_;
  return last_;
}

}  // namespace sealfold
