#include "protocol/program/program.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/base/secret.h"
#include "protocol/json/json_text.h"
#include "protocol/program/new_file.h"

namespace sealfold {
namespace {

std::string Coloured(bool colour, const char* code, absl::string_view text) {
  return colour ? absl::StrCat("\x1b[", code, "m", text, "\x1b[0m") : std::string(text);
}

bool ColourOn(int fd) { return isatty(fd) == 1 && std::getenv("NO_COLOR") == nullptr; }

// Writes all of `content`; false with errno set otherwise.
bool WriteAll(int fd, absl::string_view content) {
  while (!content.empty()) {
    ssize_t n = write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    content.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

// JSON with each control character that it lets stand (U+007F to U+009F) escaped: a terminal may
// take one for a command. All such text is within strings.
std::string WithoutControls(absl::string_view json_text) {
  std::string out;
  out.reserve(json_text.size());
  for (size_t i = 0; i < json_text.size(); ++i) {
    const auto next = static_cast<uint8_t>(i + 1 < json_text.size() ? json_text[i + 1] : 0);
    if (json_text[i] == '\x7F') {
      out += "\\u007f";
    } else if (json_text[i] == '\xC2' && next >= 0x80 && next < 0xA0) {
      absl::StrAppend(&out, "\\u00", absl::Hex(next));
      ++i;
    } else {
      out += json_text[i];
    }
  }
  return out;
}

}  // namespace

absl::Status FileError(absl::string_view doing, const std::string& path) {
  return BadInput({.code = "file_unusable",
                   .what = absl::StrCat(doing, " ", path),
                   .expected = "",
                   .found = std::strerror(errno),
                   .advice = "check the path and its permissions"});
}

int ExitCode(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return kExitDone;
    case absl::StatusCode::kPermissionDenied:
      return kExitRefused;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
    case absl::StatusCode::kCancelled:
      return kExitNetwork;
    default:
      return kExitBadInput;
  }
}

void Output::Line(absl::string_view text) const {
  if (json_) return;
  std::printf("%.*s\n", static_cast<int>(text.size()), text.data());
  std::fflush(stdout);
}

void Output::Json(absl::string_view json_text) const {
  if (!json_) return;
  std::printf("%s\n", WithoutControls(json_text).c_str());
  std::fflush(stdout);
}

int Output::Finish(const absl::Status& status) const {
  if (status.ok()) return kExitDone;
  Explanation e = Explain(status);
  if (json_) {
    nlohmann::json error = {{"error", e.code}, {"what", e.what}};
    if (!e.expected.empty()) error["expected"] = e.expected;
    if (!e.found.empty()) error["found"] = e.found;
    if (!e.advice.empty()) error["do"] = e.advice;
    std::fprintf(stderr, "%s\n", WithoutControls(JsonText(error)).c_str());
    return ExitCode(status);
  }
  std::fprintf(stderr, "%s %s [%s]\n", Coloured(ColourOn(STDERR_FILENO), "1;31", "error:").c_str(),
               e.what.c_str(), e.code.c_str());
  for (const auto& [label, text] : {std::pair("expected", &e.expected),
                                    std::pair("found", &e.found), std::pair("do", &e.advice)}) {
    if (!text->empty()) std::fprintf(stderr, "  %-9s %s\n", label, text->c_str());
  }
  return ExitCode(status);
}

std::string Output::Mark(bool passed) const {
  return passed ? Coloured(ColourOn(STDOUT_FILENO), "32", "ok")
                : Coloured(ColourOn(STDOUT_FILENO), "1;31", "NO");
}

std::string Output::Bold(absl::string_view text) const {
  return Coloured(ColourOn(STDOUT_FILENO), "1", text);
}

std::string Output::Warn(absl::string_view text) const {
  return Coloured(ColourOn(STDOUT_FILENO), "33", text);
}

bool Output::terminal() const { return !json_ && isatty(STDOUT_FILENO) == 1; }

absl::StatusOr<std::string> ReadFile(const std::string& path, size_t size_bytes_max) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FileError("reading", path);
  std::string content;
  char buffer[1 << 16];
  ssize_t n = 0;
  while ((n = read(fd, buffer, sizeof(buffer))) != 0) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) break;
    content.append(buffer, static_cast<size_t>(n));
    if (content.size() > size_bytes_max) {
      close(fd);
      return BadInput({.code = "file_too_large",
                       .what = absl::StrCat("reading ", path),
                       .expected = absl::StrCat("at most ", size_bytes_max, " bytes"),
                       .found = "more"});
    }
  }
  const int error = errno;
  // It may be a secret's file, whose reader wipes what is returned.
  Wipe(MutableByteSpan(reinterpret_cast<uint8_t*>(buffer), sizeof(buffer)));
  close(fd);
  errno = error;
  if (n < 0) return FileError("reading", path);
  return content;
}

absl::Status WriteFileAtomic(const std::string& path, absl::string_view content, bool secret) {
  const std::string temporary = absl::StrCat(path, ".", getpid(), ".tmp");
  const int fd = OpenNewFile(temporary, secret ? 0600 : 0644);
  if (fd < 0) return FileError("writing", path);
  const bool written = WriteAll(fd, content) && fsync(fd) == 0;
  const int error = errno;
  absl::Status status;
  if (close(fd) != 0 || !written) {
    if (!written) errno = error;
    status = FileError("writing", path);
  } else {
    status = RenameDurably(temporary, path);
  }
  if (!status.ok()) unlink(temporary.c_str());
  return status;
}

absl::Status RenameDurably(const std::string& from, const std::string& to) {
  if (rename(from.c_str(), to.c_str()) != 0) return FileError("writing", to);
  const size_t slash = to.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : to.substr(0, slash + 1);
  const int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return FileError("writing", folder);
  absl::Status status = fsync(fd) == 0 ? absl::OkStatus() : FileError("writing", folder);
  close(fd);
  return status;
}

}  // namespace sealfold
