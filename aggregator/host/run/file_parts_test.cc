#include "aggregator/host/run/file_parts.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "protocol/base/error.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

class FilePartsTest : public ::testing::Test {
 protected:
  FilePartsTest() {
    SEALFOLD_CHECK(WriteFileAtomic(one_, "0123456789").ok());
    SEALFOLD_CHECK(WriteFileAtomic(two_, "abc").ok());
  }
  TempDir folder_;
  const std::string one_ = folder_.Path("one");
  const std::string two_ = folder_.Path("two");
  FileParts parts_;
};

TEST_F(FilePartsTest, AllAskersShareTheFile) {
  const FilePart first = *parts_.Read(one_, 2, 4);
  const FilePart other = *parts_.Read(two_, 0, 100);
  const FilePart again = *parts_.Read(one_, 2, 4);
  EXPECT_EQ(AsText(first.bytes), "2345");
  EXPECT_EQ(first.total, 10u);
  EXPECT_EQ(AsText(other.bytes), "abc");
  EXPECT_EQ(again.bytes.data(), first.bytes.data());
}

TEST_F(FilePartsTest, APartOutlivesItsReader) {
  std::optional<FileParts> reader(std::in_place);
  const FilePart part = *reader->Read(one_, 0, 10);
  reader.reset();
  std::filesystem::remove(one_);
  EXPECT_EQ(AsText(part.bytes), "0123456789");
}

TEST_F(FilePartsTest, TheEndIsAPartAndBeyondItIsNone) {
  EXPECT_TRUE(parts_.Read(one_, 10, 5)->bytes.empty());
  EXPECT_EQ(ErrorCode(parts_.Read(one_, 11, 5).status()), "offset_out_of_range");
  EXPECT_EQ(ErrorCode(parts_.Read(folder_.Path("none"), 0, 5).status()), "file_unreadable");
}

}  // namespace
}  // namespace sealfold
