#include "protocol/model/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

absl::Status Unreadable(const std::string& path, std::string found) {
  return BadInput({.code = "file_unreadable",
                   .what = absl::StrCat("file ", path),
                   .expected = "a regular file that can be read",
                   .found = std::move(found)});
}

// madvise and munmap take what mmap gave, which is not const; nothing is written through it.
void* Address(ByteSpan span) { return const_cast<uint8_t*>(span.data()); }

}  // namespace

absl::StatusOr<MappedFile> MappedFile::Open(const std::string& path) {
  // O_NONBLOCK: a pipe without a writer must give an error, not a wait.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return Unreadable(path, std::strerror(errno));
  absl::Cleanup close_fd = [fd] { close(fd); };
  struct stat info = {};
  if (fstat(fd, &info) != 0) return Unreadable(path, std::strerror(errno));
  if (!S_ISREG(info.st_mode)) return Unreadable(path, "something else");
  if (info.st_size == 0) {
    return BadInput({.code = "file_empty",
                     .what = absl::StrCat("file ", path),
                     .expected = "at least one byte",
                     .found = "an empty file"});
  }
  const auto size = static_cast<size_t>(info.st_size);
  void* const address = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (address == MAP_FAILED) return Unreadable(path, std::strerror(errno));
  MappedFile file(ByteSpan(static_cast<const uint8_t*>(address), size));
  madvise(address, size, MADV_SEQUENTIAL);
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : span_(std::exchange(other.span_, ByteSpan())) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(span_, other.span_);
  return *this;
}

MappedFile::~MappedFile() {
  if (!span_.empty()) munmap(Address(span_), span_.size());
}

void MappedFile::Prefetch(uint64_t offset, uint64_t bytes) const {
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t first = std::min<uint64_t>(offset, span_.size()) / page * page;
  const uint64_t end = first + std::min<uint64_t>(bytes + page, span_.size() - first);
  // An older kernel refuses it, and the pages come as they are touched.
  if (end > first) madvise(Address(span_.subspan(first)), end - first, MADV_POPULATE_READ);
}

void MappedFile::DropBefore(uint64_t bytes) const {
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t whole_pages = std::min<uint64_t>(bytes, span_.size()) / page * page;
  if (whole_pages != 0) madvise(Address(span_), whole_pages, MADV_DONTNEED);
}

}  // namespace sealfold
