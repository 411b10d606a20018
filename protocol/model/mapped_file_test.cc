#include "protocol/model/mapped_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <utility>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

class MappedFileTest : public ::testing::Test {
 protected:
  std::string path_ = ::testing::TempDir() + "mapped_file_test." + std::to_string(getpid());

  void Write(const Bytes& bytes) {
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }
  void TearDown() override { unlink(path_.c_str()); }
};

Bytes Pattern(size_t size) {
  Bytes bytes(size);
  for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<uint8_t>(i * 7 + i / 4096);
  return bytes;
}

TEST_F(MappedFileTest, GivesTheFilesBytesAlsoAfterMoves) {
  const Bytes bytes = Pattern(10000);
  Write(bytes);
  absl::StatusOr<MappedFile> opened = MappedFile::Open(path_);
  ASSERT_TRUE(opened.ok()) << opened.status();
  MappedFile first = std::move(*opened);
  EXPECT_EQ(ToBytes(first.span()), bytes);
  Write(Pattern(5));
  absl::StatusOr<MappedFile> second = MappedFile::Open(path_);
  ASSERT_TRUE(second.ok());
  *second = std::move(first);
  EXPECT_EQ(second->span().size(), 10000u);
}

// Pages of files that are in this program's memory.
size_t ResidentFilePages() {
  size_t total = 0;
  size_t resident = 0;
  size_t shared = 0;
  std::ifstream("/proc/self/statm") >> total >> resident >> shared;
  return shared;
}

TEST_F(MappedFileTest, DropBeforeFreesPagesAndKeepsThemReadable) {
  constexpr size_t kPages = 4096;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const Bytes bytes = Pattern(kPages * page + 17);
  Write(bytes);
  absl::StatusOr<MappedFile> file = MappedFile::Open(path_);
  ASSERT_TRUE(file.ok());
  for (const uint64_t dropped : {uint64_t{0}, uint64_t{1}, uint64_t{page}, uint64_t{33 * page + 5},
                                 uint64_t{bytes.size()}, UINT64_MAX}) {
    EXPECT_EQ(ToBytes(file->span()), bytes) << dropped;
    file->DropBefore(dropped);
  }
  EXPECT_EQ(ToBytes(file->span()), bytes);
  const size_t before = ResidentFilePages();
  file->DropBefore(kPages * page);
  EXPECT_LT(ResidentFilePages() + kPages / 2, before);
}

TEST_F(MappedFileTest, WhatIsNoReadableFileIsExplained) {
  EXPECT_EQ(ErrorCode(MappedFile::Open(path_).status()), "file_unreadable");
  EXPECT_EQ(ErrorCode(MappedFile::Open(::testing::TempDir()).status()), "file_unreadable");
  Write({});
  EXPECT_EQ(ErrorCode(MappedFile::Open(path_).status()), "file_empty");
}

}  // namespace
}  // namespace sealfold
