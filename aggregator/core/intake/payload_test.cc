#include "aggregator/core/intake/payload.h"

#include <gtest/gtest.h>

#include <random>

#include "aggregator/core/testing/sample_run.h"

namespace sealfold {
namespace {

using testing::SampleRun;
using testing::SampleUpdate;

TEST(PayloadTest, RunsCoverEveryStretchOnce) {
  const SampleRun run = SampleRun::Make();
  const PayloadLayout layout = run.layout();
  const Bytes payload = run.MakeUpdate(1).payload;
  const uint64_t blocks = (payload.size() + 63) / 64;
  std::mt19937_64 random(3);
  for (int trial = 0; trial < 500; ++trial) {
    const uint64_t begin = random() % blocks * 64;
    const uint64_t size = std::min<uint64_t>((1 + random() % 200) * 64, payload.size() - begin);
    const ByteSpan stretch = ByteSpan(payload).subspan(begin, size);
    const uint8_t* at = stretch.data();
    ForEachRun(
        layout, begin, stretch,
        [&](Dtype dtype, uint64_t element_first, ByteSpan elements) {
          ASSERT_EQ(elements.data(), at);
          at += elements.size();
          // The run is where the layout puts these elements.
          const auto part = std::find_if(
              layout.parts.rbegin(), layout.parts.rend(),
              [&](const PayloadLayout::Part& p) { return p.element_first <= element_first; });
          EXPECT_EQ(part->dtype, dtype);
          const uint64_t offset =
              part->offset_bytes + (element_first - part->element_first) * DtypeSizeBytes(dtype);
          EXPECT_EQ(offset, static_cast<uint64_t>(elements.data() - payload.data()));
          EXPECT_LE(element_first + elements.size() / DtypeSizeBytes(dtype),
                    part->element_first + part->elements);
        },
        [&](ByteSpan padding) {
          ASSERT_EQ(padding.data(), at);
          at += padding.size();
          EXPECT_LT(padding.size(), 64u);
        });
    ASSERT_EQ(at, stretch.data() + stretch.size());
  }
}

TEST(PayloadTest, FoldingInStretchesIsFoldingTheWhole) {
  const SampleRun run = SampleRun::Make();
  const PayloadLayout layout = run.layout();
  const SampleUpdate update = run.MakeUpdate(1);
  const Grid grid = *Grid::Make(run.plan.range, run.plan.weight_max);
  const double scale = grid.Scale(update.weight);
  std::vector<int64_t> whole(layout.elements);
  FoldPayload(layout, scale, 0, update.payload, absl::MakeSpan(whole));
  EXPECT_TRUE(CheckPayload(layout, grid, 0, update.payload).ok());
  std::vector<int64_t> pieces(layout.elements);
  for (uint64_t at = 0; at < update.payload.size(); at += 64 * 7) {
    const uint64_t size = std::min<uint64_t>(64 * 7, update.payload.size() - at);
    FoldPayload(layout, scale, at, ByteSpan(update.payload).subspan(at, size),
                absl::MakeSpan(pieces));
  }
  EXPECT_EQ(pieces, whole);
}

TEST(PayloadTest, EveryPaddingByteIsLookedAt) {
  const SampleRun run = SampleRun::Make();
  const PayloadLayout layout = run.layout();
  const Grid grid = *Grid::Make(run.plan.range, run.plan.weight_max);
  Bytes payload(layout.size_bytes);
  ASSERT_TRUE(CheckPayload(layout, grid, 0, payload).ok());
  uint64_t padding = 0;
  for (size_t part = 0; part + 1 < layout.parts.size(); ++part) {
    const PayloadLayout::Part& p = layout.parts[part];
    for (uint64_t at = p.offset_bytes + p.elements * DtypeSizeBytes(p.dtype);
         at < layout.parts[part + 1].offset_bytes; ++at, ++padding) {
      payload[at] = 1;
      EXPECT_EQ(ErrorCode(CheckPayload(layout, grid, 0, payload)), "padding_not_zero");
      payload[at] = 0;
    }
  }
  EXPECT_GT(padding, 60u);
}

}  // namespace
}  // namespace sealfold
