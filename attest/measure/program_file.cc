#include "attest/measure/program_file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/base/unique_fd.h"

namespace sealfold {
namespace {

constexpr size_t kBufferSize = 256 * 1024;

absl::Status Unreadable(absl::string_view what, int error) {
  return BadInput({.code = "measure_unreadable",
                   .what = absl::StrCat("program to measure", what),
                   .expected = "a readable regular file",
                   .found = error == 0 ? "another kind of file" : std::strerror(error)});
}

bool SameContent(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

absl::StatusOr<Measurement> MeasureOpenProgram(int fd) {
  struct stat before {};
  if (fstat(fd, &before) != 0) return Unreadable("", errno);
  if (!S_ISREG(before.st_mode)) return Unreadable("", 0);

  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  SEALFOLD_CHECK(hash != nullptr && EVP_DigestInit_ex(hash.get(), EVP_sha384(), nullptr) == 1);
  Bytes buffer(kBufferSize);
  off_t offset = 0;
  for (;;) {
    ssize_t size = pread(fd, buffer.data(), buffer.size(), offset);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return Unreadable("", errno);
    if (size == 0) break;
    SEALFOLD_CHECK(EVP_DigestUpdate(hash.get(), buffer.data(), static_cast<size_t>(size)) == 1);
    offset += size;
  }
  Measurement out;
  SEALFOLD_CHECK(EVP_DigestFinal_ex(hash.get(), out.data(), nullptr) == 1);

  struct stat after {};
  if (fstat(fd, &after) != 0) return Unreadable("", errno);
  if (!SameContent(before, after) || offset != before.st_size) {
    return BadInput({.code = "measure_changed",
                     .what = "program to measure",
                     .expected = "a file that nobody writes to",
                     .found = "one that changed while it was read"});
  }
  return out;
}

absl::StatusOr<Measurement> MeasureProgram(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd.valid()) return Unreadable(absl::StrCat(" ", path), errno);
  return MeasureOpenProgram(fd.get());
}

}  // namespace sealfold
