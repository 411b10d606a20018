#include <gtest/gtest.h>

#include "aggregator/core/memory/budget.h"
#include "aggregator/core/memory/pages.h"
#include "aggregator/core/memory/sum.h"

namespace sealfold {
namespace {

TEST(PagesTest, ZeroAtFirstAndMovable) {
  absl::StatusOr<Pages> pages = Pages::Map(100'000, Pages::Use::kSealed);
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
  const absl::StatusOr<Pages> pages = Pages::Map(uint64_t{1} << 60, Pages::Use::kSecret);
  EXPECT_EQ(ErrorCode(pages.status()), "memory_short");
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
