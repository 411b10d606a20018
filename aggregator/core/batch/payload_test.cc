#include "aggregator/core/batch/payload.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "absl/strings/str_cat.h"
#include "aggregator/core/testing/sample_run.h"

namespace sealfold {
namespace {

using testing::SampleRun;

TEST(PayloadTest, RunsCoverEveryStretchOnce) {
  const PayloadLayout layout = SampleRun::Make().layout();
  const uint64_t blocks = (layout.size_bytes + 63) / 64;
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937_64 random(seed);
  uint64_t padding = 0;
  for (int trial = 0; trial < 500; ++trial) {
    const uint64_t begin = random() % blocks * 64;
    const uint64_t size = std::min<uint64_t>((1 + random() % 200) * 64, layout.size_bytes - begin);
    uint64_t at = 0;
    ForEachRun(
        layout, begin, size,
        [&](const TensorRun& run) {
          ASSERT_EQ(run.offset_bytes, at);
          at += run.size_bytes();
          // The run is where the layout puts these elements.
          const auto part = std::find_if(
              layout.parts.rbegin(), layout.parts.rend(),
              [&](const PayloadLayout::Part& p) { return p.element_first <= run.element_first; });
          EXPECT_EQ(part->dtype, run.dtype);
          EXPECT_EQ(part->offset_bytes +
                        (run.element_first - part->element_first) * DtypeSizeBytes(run.dtype),
                    begin + run.offset_bytes);
          EXPECT_LE(run.element_first + run.elements, part->element_first + part->elements);
          EXPECT_EQ(run.element_first % 8, 0u);  // aligned in the sum
        },
        [&](const PaddingRun& run) {
          ASSERT_EQ(run.offset_bytes, at);
          at += run.size_bytes;
          padding += run.size_bytes;
          EXPECT_LT(run.size_bytes, 64u);
        });
    ASSERT_EQ(at, size);
  }
  EXPECT_GT(padding, 0u);
}

}  // namespace
}  // namespace sealfold
