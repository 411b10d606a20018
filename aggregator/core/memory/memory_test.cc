#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <fstream>

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

class KeptPagesTest : public ::testing::Test {
 protected:
  static constexpr uint64_t kBytes = 2 * kKeptPagesBytesMin;
  KeptPagesTest() { KeepReleasedPages(true); }
  ~KeptPagesTest() override { KeepReleasedPages(false); }

  // Maps, fills, and releases; where it lay.
  static uint8_t* UseOnce(uint64_t size_bytes, Pages::Use use) {
    Pages pages = *Pages::Map(size_bytes, use);
    const MutableByteSpan bytes = pages.Write();
    std::fill(bytes.begin(), bytes.end(), uint8_t{0xa5});
    return bytes.data();
  }
  static bool IsMapped(uint8_t* data) {
    unsigned char resident = 0;
    return mincore(data, 1, &resident) == 0;
  }
  static uint64_t MappedBytes() {
    std::ifstream statm("/proc/self/statm");
    uint64_t pages = 0;
    statm >> pages;
    return pages * 4096;
  }
  static int64_t Faults() {
    rusage usage{};
    EXPECT_EQ(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_minflt;
  }
};

TEST_F(KeptPagesTest, TheNextOfThatSizeAndUseGetsThemWithoutNewPages) {
  for (const Pages::Use use : {Pages::Use::kSealed, Pages::Use::kSecret}) {
    uint8_t* const first = UseOnce(kBytes, use);
    const int64_t before = Faults();
    EXPECT_EQ(UseOnce(kBytes, use), first);
    EXPECT_LT(Faults() - before, 16) << "of " << kBytes / 4096 << " pages";
  }
}

TEST_F(KeptPagesTest, ASecretsAreWiped) {
  uint8_t* const first = UseOnce(kBytes, Pages::Use::kSecret);
  EXPECT_TRUE(std::all_of(first, first + kBytes, [](uint8_t byte) { return byte == 0; }));
  const Pages next = *Pages::Map(kBytes, Pages::Use::kSecret);
  EXPECT_EQ(next.span().data(), first);
}

// One who stages never gets what held a secret, nor the other way round.
TEST_F(KeptPagesTest, UsesAreKeptApart) {
  uint8_t* const secret = UseOnce(kBytes, Pages::Use::kSecret);
  EXPECT_NE(UseOnce(kBytes, Pages::Use::kSealed), secret);
}

TEST_F(KeptPagesTest, AnotherSizeHasThemGivenBackBefore) {
  {
    Pages one = *Pages::Map(kBytes, Pages::Use::kSealed);
    Pages two = *Pages::Map(kBytes, Pages::Use::kSealed);
  }
  const uint64_t before = MappedBytes();
  const Pages other = *Pages::Map(3 * kBytes, Pages::Use::kSealed);
  EXPECT_LT(MappedBytes(), before + 2 * kBytes) << "three more, two less";
}

TEST_F(KeptPagesTest, SmallOnesAndAllWhenTurnedOffAreGivenBack) {
  EXPECT_FALSE(IsMapped(UseOnce(kKeptPagesBytesMin - 4096, Pages::Use::kSealed)));
  uint8_t* const first = UseOnce(kBytes, Pages::Use::kSealed);
  KeepReleasedPages(false);
  EXPECT_FALSE(IsMapped(first));
  EXPECT_FALSE(IsMapped(UseOnce(kBytes, Pages::Use::kSealed)));
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
