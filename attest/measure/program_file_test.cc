#include "attest/measure/program_file.h"

#include <gtest/gtest.h>

#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/program/program.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {
namespace {

TEST(MeasureTest, IsTheSha384OfTheFilesBytes) {
  TempDir dir;
  // Sizes around the buffer's.
  for (size_t size : {size_t{0}, size_t{1}, size_t{262143}, size_t{262144}, size_t{700000}}) {
    std::string content(size, 'x');
    ASSERT_TRUE(WriteFileAtomic(dir.Path("program"), content).ok());
    auto measurement = MeasureProgram(dir.Path("program"));
    ASSERT_TRUE(measurement.ok()) << measurement.status();
    EXPECT_EQ(*measurement, Sha384(AsBytes(content))) << size;
  }
}

TEST(MeasureTest, RefusesWhatIsNoFile) {
  TempDir dir;
  EXPECT_EQ(ErrorCode(MeasureProgram(dir.Path("none")).status()), "measure_unreadable");
  EXPECT_EQ(ErrorCode(MeasureProgram(dir.path()).status()), "measure_unreadable");
  EXPECT_EQ(ErrorCode(MeasureProgram("/dev/null").status()), "measure_unreadable");
}

}  // namespace
}  // namespace sealfold
