#include <gtest/gtest.h>

#include <random>

#include "aggregator/core/memory/pages.h"
#include "aggregator/core/memory/staged.h"
#include "aggregator/core/memory/sum.h"

namespace sealfold {
namespace {

TEST(PagesTest, ZeroAtFirstAndMovable) {
  absl::StatusOr<Pages> pages = Pages::Map(100'000, Pages::Use::kStaging);
  ASSERT_TRUE(pages.ok());
  EXPECT_EQ(pages->size(), 100'000u);
  for (const uint8_t byte : pages->span()) ASSERT_EQ(byte, 0);
  pages->Write()[99'999] = 7;
  Pages other = *std::move(pages);
  EXPECT_EQ(other.span()[99'999], 7);
  other.Release();
  EXPECT_EQ(other.size(), 0u);
}

TEST(PagesTest, MoreThanThereIsIsAnErrorWithAName) {
  const absl::StatusOr<Pages> pages = Pages::Map(uint64_t{1} << 60, Pages::Use::kSum);
  EXPECT_EQ(ErrorCode(pages.status()), "memory_short");
}

TEST(StagedPayloadTest, GivesBackWhatWasAppended) {
  const uint64_t seed = 11;
  std::mt19937_64 random(seed);
  Bytes payload(2 * kStagedPieceBytes + 12'345);
  for (uint8_t& byte : payload) byte = static_cast<uint8_t>(random());
  StagedPayload staged(payload.size());
  for (size_t at = 0; at < payload.size();) {
    const size_t size = std::min<size_t>(1 + random() % 1'500'000, payload.size() - at);
    ASSERT_TRUE(staged.Append(ByteSpan(payload).subspan(at, size)).ok());
    at += size;
    EXPECT_EQ(staged.filled_bytes(), at);
  }
  Bytes back;
  staged.Drain([&](uint64_t offset, ByteSpan bytes) {
    EXPECT_EQ(offset, back.size());
    EXPECT_EQ(offset % 64, 0u);
    Append(back, bytes);
  });
  EXPECT_EQ(back, payload);
  EXPECT_EQ(staged.filled_bytes(), 0u);
}

TEST(StagedPayloadTest, APartlyFilledOneGivesWhatItHas) {
  StagedPayload staged(10'000);
  ASSERT_TRUE(staged.Append(Bytes(64, 5)).ok());
  Bytes back;
  staged.Drain([&](uint64_t, ByteSpan bytes) { Append(back, bytes); });
  EXPECT_EQ(back, Bytes(64, 5));
}

TEST(StagingBudgetTest, NeverMoreThanTheBound) {
  StagingBudget budget(100);
  EXPECT_TRUE(budget.Take(60));
  EXPECT_FALSE(budget.Take(41));
  EXPECT_TRUE(budget.Take(40));
  EXPECT_FALSE(budget.Take(1));
  EXPECT_FALSE(budget.Take(UINT64_MAX));
  budget.GiveBack(60);
  EXPECT_EQ(budget.taken_bytes(), 40u);
  EXPECT_TRUE(budget.Take(60));
}

TEST(SumTest, FingerprintTellsOneStepApart) {
  absl::StatusOr<Sum> sum = Sum::Make(1000);
  ASSERT_TRUE(sum.ok());
  ASSERT_EQ(sum->span().size(), 1000u);
  const Digest zero = sum->Fingerprint();
  sum->Write()[999] += 1;
  EXPECT_NE(sum->Fingerprint(), zero);
  sum->Write()[999] -= 1;
  EXPECT_EQ(sum->Fingerprint(), zero);
}

}  // namespace
}  // namespace sealfold
