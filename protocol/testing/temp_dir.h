// A directory of a test's own, removed with all in it when its owner goes.
#ifndef SEALFOLD_PROTOCOL_TESTING_TEMP_DIR_H_
#define SEALFOLD_PROTOCOL_TESTING_TEMP_DIR_H_

#include <cstdlib>
#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {

class TempDir {
 public:
  TempDir() {
    // Short, since the paths of sockets are.
    std::string path = std::filesystem::temp_directory_path() / "sealfold.XXXXXX";
    SEALFOLD_CHECK(mkdtemp(path.data()) != nullptr);
    path_ = path;
  }
  ~TempDir() {
    std::error_code error;
    std::filesystem::remove_all(path_, error);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  std::string Path(absl::string_view below) const { return absl::StrCat(path_, "/", below); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_TESTING_TEMP_DIR_H_
