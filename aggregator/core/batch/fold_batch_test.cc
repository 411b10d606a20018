// Batches against integers of 128 bits: any updates, faults, cuts; not a bit more or less in the
// sum than there should be.
#include "aggregator/core/batch/fold_batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <random>

#include "absl/strings/str_cat.h"
#include "aggregator/core/testing/sealed_updates.h"

namespace sealfold {
namespace {

using testing::SampleRun;
using testing::SampleUpdate;
using testing::SealWhole;
using testing::SetElement;

constexpr uint64_t kWhole = UINT64_MAX;  // of a step: all at once

class FoldBatchTest : public ::testing::Test {
 protected:
  FoldBatchTest() : sum(run.layout().sum_elements) {}

  // Seals `updates` and folds them together; `broken[k]`: a chunk with a flipped bit, or none.
  std::vector<FoldBatch::Fault> Fold(const std::vector<SampleUpdate>& updates,
                                     std::vector<uint64_t> broken = {},
                                     uint64_t step_bytes = kWhole, Workers* workers = nullptr) {
    std::vector<std::unique_ptr<SealedUpdate>> sealed;
    broken.resize(updates.size(), UINT64_MAX);
    for (size_t k = 0; k < updates.size(); ++k) {
      std::vector<uint64_t> starts;
      if (k % 3 == 1) starts = {2};
      if (k % 3 == 2) starts = {1, 4};
      sealed.push_back(SealWhole(run, k % run.parties.size(), updates[k], starts, broken[k]));
    }
    return FoldSealed(sealed, step_bytes, workers);
  }

  std::vector<FoldBatch::Fault> FoldSealed(const std::vector<std::unique_ptr<SealedUpdate>>& sealed,
                                           uint64_t step_bytes, Workers* workers) {
    CallingThread calling;
    if (workers == nullptr) workers = &calling;
    std::vector<ColumnScratch> scratch;
    for (size_t i = 0; i < workers->count(); ++i) {
      scratch.push_back(*ColumnScratch::Make(run.plan.chunk_bytes));
    }
    BatchTask task{
        .layout = layout,
        .grid = grid,
        .chunk_bytes = run.plan.chunk_bytes,
        .updates = {},
        .sum = absl::MakeSpan(sum),
        .sum_is_zero = std::all_of(sum.begin(), sum.end(), [](int64_t s) { return s == 0; })};
    for (const auto& update : sealed) task.updates.push_back(update.get());
    FoldBatch batch(std::move(task));
    std::vector<FoldBatch::Fault> faults;
    steps = 0;
    while (!batch.done()) {
      batch.Step(step_bytes, *workers, absl::MakeSpan(scratch));
      ++steps;
      for (const FoldBatch::Fault& fault : batch.TakeFaults()) {
        EXPECT_FALSE(batch.Holds(fault.update));
        faults.push_back(fault);
      }
      for (ColumnScratch& one : scratch) {
        const ByteSpan slot = one.Slot(0, run.plan.chunk_bytes);
        EXPECT_TRUE(std::all_of(slot.begin(), slot.end(), [](uint8_t b) { return b == 0; }));
      }
    }
    for (size_t k = 0; k < sealed.size(); ++k) {
      const bool faulty = std::any_of(faults.begin(), faults.end(),
                                      [k](const FoldBatch::Fault& f) { return f.update == k; });
      EXPECT_EQ(batch.Holds(k), !faulty) << k;
    }
    return faults;
  }

  std::vector<SampleUpdate> MakeUpdates(size_t count, uint64_t seed) const {
    std::vector<SampleUpdate> out;
    for (size_t k = 0; k < count; ++k) out.push_back(run.MakeUpdate(seed * 1000 + k));
    return out;
  }
  // The chunk in which element `element` of part `part` lies.
  uint64_t ChunkOf(size_t part, uint64_t element) const {
    const PayloadLayout::Part& p = layout.parts[part];
    return (p.offset_bytes + element * DtypeSizeBytes(p.dtype)) / run.plan.chunk_bytes;
  }

  SampleRun run = SampleRun::Make();
  PayloadLayout layout = run.layout();
  Grid grid = *Grid::Make(run.plan.range, run.plan.weight_max);
  std::vector<int64_t> sum;
  int steps = 0;
};

TEST_F(FoldBatchTest, IsTheExactSumHoweverItIsCut) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937_64 random(seed);
  for (const size_t count : {1, 2, 3, 7, 8, 9, 17, 64}) {
    std::vector<SampleUpdate> updates = MakeUpdates(count, random() % 1000);
    const std::vector<int64_t> expected = run.ExpectedSum(updates);
    for (const uint64_t step_bytes : {uint64_t{1}, uint64_t{3 * 4096 * 2}, kWhole}) {
      std::shuffle(updates.begin(), updates.end(), random);
      std::fill(sum.begin(), sum.end(), 0);
      // In one batch or several.
      for (size_t first = 0; first < count;) {
        const size_t size = random() % 2 == 0 ? count - first : 1 + random() % (count - first);
        const std::vector<SampleUpdate> some(
            updates.begin() + static_cast<ptrdiff_t>(first),
            updates.begin() + static_cast<ptrdiff_t>(first + size));
        EXPECT_TRUE(Fold(some, {}, step_bytes).empty());
        first += size;
      }
      ASSERT_EQ(sum, expected) << count << " updates, steps of " << step_bytes;
    }
  }
}

TEST_F(FoldBatchTest, AStepIsAsLargeAsItIsAskedToBe) {
  const std::vector<SampleUpdate> updates = MakeUpdates(4, 1);
  Fold(updates, {}, 1);
  EXPECT_EQ(steps, 5);
  Fold(updates, {}, 2 * 4 * run.plan.chunk_bytes);
  EXPECT_EQ(steps, 3);
  Fold(updates, {}, kWhole);
  EXPECT_EQ(steps, 1);
}

TEST_F(FoldBatchTest, ABrokenSealInAnyChunkLeavesNoTrace) {
  const std::vector<SampleUpdate> before = MakeUpdates(2, 5);
  const std::vector<SampleUpdate> updates = MakeUpdates(4, 6);
  for (const bool first_batch : {true, false}) {
    for (uint64_t chunk = 0; chunk < 5; ++chunk) {
      for (const uint64_t step_bytes : {uint64_t{1}, kWhole}) {
        std::fill(sum.begin(), sum.end(), 0);
        std::vector<SampleUpdate> good = {updates[0], updates[1], updates[3]};
        if (!first_batch) {
          Fold(before);
          good.insert(good.end(), before.begin(), before.end());
        }
        const auto faults = Fold(updates, {UINT64_MAX, UINT64_MAX, chunk, UINT64_MAX}, step_bytes);
        ASSERT_EQ(faults.size(), 1u);
        EXPECT_EQ(faults[0].update, 2u);
        EXPECT_EQ(faults[0].chunk, chunk);
        EXPECT_EQ(faults[0].what, UpdateFault::kSealBroken);
        ASSERT_EQ(sum, run.ExpectedSum(good)) << chunk;
      }
    }
  }
}

TEST_F(FoldBatchTest, AnElementOutOfRangeAnywhereLeavesNoTrace) {
  using Limits = std::numeric_limits<double>;
  const double values[] = {Limits::quiet_NaN(), Limits::infinity(), -Limits::infinity(), 0.51,
                           -0.51};
  size_t next = 0;
  for (size_t part = 0; part < layout.parts.size(); ++part) {
    const uint64_t elements = layout.parts[part].elements;
    for (const uint64_t element : {uint64_t{0}, elements / 2, elements - 1}) {
      for (const uint64_t step_bytes : {uint64_t{1}, kWhole}) {
        std::fill(sum.begin(), sum.end(), 0);
        if (step_bytes == 1) Fold(MakeUpdates(1, 3));
        std::vector<int64_t> expected = sum;
        std::vector<SampleUpdate> updates = MakeUpdates(3, 7);
        const std::vector<int64_t> more = run.ExpectedSum({updates[0], updates[2]});
        for (size_t i = 0; i < sum.size(); ++i) expected[i] += more[i];
        SetElement(layout, part, element, values[next++ % std::size(values)], updates[1].payload);
        const auto faults = Fold(updates, {}, step_bytes);
        ASSERT_EQ(faults.size(), 1u);
        EXPECT_EQ(faults[0].update, 1u);
        EXPECT_EQ(faults[0].chunk, ChunkOf(part, element));
        EXPECT_EQ(faults[0].what, UpdateFault::kOutOfRange);
        ASSERT_EQ(sum, expected);
      }
    }
  }
}

TEST_F(FoldBatchTest, EveryPaddingByteIsLookedAt) {
  std::vector<SampleUpdate> updates = MakeUpdates(2, 7);
  const std::vector<int64_t> expected = run.ExpectedSum({updates[0]});
  uint64_t padding = 0;
  for (size_t part = 0; part + 1 < layout.parts.size(); ++part) {
    const PayloadLayout::Part& p = layout.parts[part];
    const uint64_t from = p.offset_bytes + p.elements * DtypeSizeBytes(p.dtype);
    for (uint64_t at = from; at < layout.parts[part + 1].offset_bytes; ++at, ++padding) {
      updates[1].payload[at] = 1;
      std::fill(sum.begin(), sum.end(), 0);
      const auto faults = Fold(updates);
      ASSERT_EQ(faults.size(), 1u);
      EXPECT_EQ(faults[0].update, 1u);
      EXPECT_EQ(faults[0].what, UpdateFault::kPaddingNotZero);
      EXPECT_EQ(faults[0].chunk, at / run.plan.chunk_bytes);
      ASSERT_EQ(sum, expected);
      updates[1].payload[at] = 0;
    }
  }
  EXPECT_GT(padding, 60u);
}

TEST_F(FoldBatchTest, SeveralFaultsInOneColumnAndTheFirstOfSeveralChunksCounts) {
  std::vector<SampleUpdate> updates = MakeUpdates(12, 9);
  const std::vector<SampleUpdate> good = {updates[1], updates[2], updates[4], updates[6],
                                          updates[7], updates[8], updates[9], updates[10]};
  const std::vector<int64_t> expected = run.ExpectedSum(good);
  SetElement(layout, 1, 0, 7.0, updates[3].payload);
  SetElement(layout, 3, 0, -7.0, updates[3].payload);
  SetElement(layout, 1, 1, 7.0, updates[11].payload);
  const uint64_t chunk = ChunkOf(1, 0);
  ASSERT_GT(ChunkOf(3, 0), chunk);
  std::vector<uint64_t> broken(12, UINT64_MAX);
  broken[0] = chunk;
  broken[5] = 4;
  SetElement(layout, 0, 0, 7.0, updates[5].payload);
  for (const uint64_t step_bytes : {uint64_t{1}, kWhole}) {
    std::fill(sum.begin(), sum.end(), 0);
    std::vector<std::tuple<size_t, uint64_t, UpdateFault>> faults;
    for (const auto& fault : Fold(updates, broken, step_bytes)) {
      faults.emplace_back(fault.update, fault.chunk, fault.what);
    }
    EXPECT_THAT(faults, ::testing::UnorderedElementsAre(
                            ::testing::FieldsAre(0, chunk, UpdateFault::kSealBroken),
                            ::testing::FieldsAre(3, chunk, UpdateFault::kOutOfRange),
                            ::testing::FieldsAre(5, 0, UpdateFault::kOutOfRange),
                            ::testing::FieldsAre(11, chunk, UpdateFault::kOutOfRange)));
    ASSERT_EQ(sum, expected);
  }
}

TEST_F(FoldBatchTest, WithNothingGoodTheSumIsWhatItWas) {
  std::vector<SampleUpdate> updates = MakeUpdates(3, 2);
  SetElement(layout, 2, 0, std::numeric_limits<double>::quiet_NaN(), updates[1].payload);
  for (const uint64_t step_bytes : {uint64_t{1}, kWhole}) {
    EXPECT_EQ(Fold(updates, {4, UINT64_MAX, 0}, step_bytes).size(), 3u);
    ASSERT_EQ(sum, std::vector<int64_t>(sum.size()));
  }
}

TEST_F(FoldBatchTest, AnyFaultsInAnyBatches) {
  const uint64_t seed = std::random_device{}();
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  std::mt19937_64 random(seed);
  std::vector<SampleUpdate> good;
  for (int round = 0; round < 20; ++round) {
    const size_t count = 1 + random() % 20;
    std::vector<SampleUpdate> updates = MakeUpdates(count, random() % 1000);
    std::vector<uint64_t> broken(count, UINT64_MAX);
    size_t bad = 0;
    for (size_t k = 0; k < count; ++k) {
      const uint64_t kind = random() % 6;
      if (kind == 0) broken[k] = random() % 5;
      if (kind == 1) {
        const size_t part = random() % layout.parts.size();
        SetElement(layout, part, random() % layout.parts[part].elements, 9, updates[k].payload);
      }
      if (kind == 2) updates[k].payload[layout.parts[1].offset_bytes - 1] = 1;
      if (kind < 3) {
        ++bad;
      } else {
        good.push_back(updates[k]);
      }
    }
    EXPECT_EQ(Fold(updates, broken, random() % 3 == 0 ? kWhole : random() % 200'000).size(), bad);
    ASSERT_EQ(sum, run.ExpectedSum(good));
  }
}

}  // namespace
}  // namespace sealfold
