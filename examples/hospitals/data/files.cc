#include "examples/hospitals/data/files.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include "protocol/base/error.h"

namespace sealfold::hospitals {

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  std::ostringstream content;
  content << in.rdbuf();
  // Opening a folder succeeds; only reading from it fails.
  if (!in.is_open() || in.bad() || std::filesystem::is_directory(path)) {
    return BadInput({.code = "file_unreadable",
                     .what = path,
                     .expected = "a file that can be read",
                     .found = std::strerror(errno == 0 ? EISDIR : errno),
                     .advice = "check the path"});
  }
  return std::move(content).str();
}

absl::Status WriteFile(const std::string& path, absl::string_view content) {
  std::error_code folder_error;
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (!folder.empty()) {
    std::filesystem::create_directories(folder, folder_error);
  }
  errno = 0;
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  if (!out) {
    return BadInput({.code = "file_unwritable",
                     .what = path,
                     .expected = "a path that can be written to",
                     .found = folder_error ? folder_error.message() : std::strerror(errno),
                     .advice = "choose another folder"});
  }
  return absl::OkStatus();
}

}  // namespace sealfold::hospitals
