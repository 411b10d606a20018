#include "examples/hospitals/data/draws.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <numeric>

namespace sealfold::hospitals {
namespace {

// If these change, so does every split that someone has published a number about.
TEST(Draws, AreTheSameEverywhere) {
  Draws draws({1});
  std::vector<uint64_t> drawn;
  for (int i = 0; i < 6; ++i) {
    drawn.push_back(draws.Below(1000));
  }
  EXPECT_THAT(drawn, ::testing::ElementsAre(472, 102, 381, 899, 94, 175));
}

TEST(Draws, DifferWithEverySeedOfTheList) {
  const auto first = [](std::initializer_list<uint64_t> seeds) {
    return Draws(seeds).Below(uint64_t{1} << 62);
  };
  EXPECT_EQ(first({7, 8}), first({7, 8}));
  EXPECT_NE(first({7, 8}), first({8, 7}));
  EXPECT_NE(first({7, 8}), first({7, 9}));
  EXPECT_NE(first({7}), first({7 + (uint64_t{1} << 32)}));
}

TEST(Draws, BelowCoversItsRangeEvenly) {
  constexpr int kDraws = 30'000;
  std::array<int, 3> seen{};
  Draws draws({2});
  for (int i = 0; i < kDraws; ++i) {
    ++seen.at(draws.Below(seen.size()));
  }
  // A third each; six standard deviations of a binomial are 490.
  for (const int count : seen) {
    EXPECT_NEAR(count, kDraws / 3.0, 490);
  }
  EXPECT_EQ(draws.Below(1), 0);
}

TEST(Draws, ShuffleGivesEachOrderAlikeOften) {
  constexpr int kDraws = 30'000;
  std::array<int, 3> first_goes_to{};
  Draws draws({3});
  for (int i = 0; i < kDraws; ++i) {
    std::vector<int> items = {0, 1, 2};
    draws.Shuffle(items);
    ASSERT_THAT(items, ::testing::UnorderedElementsAre(0, 1, 2));
    ++first_goes_to.at(std::find(items.begin(), items.end(), 0) - items.begin());
  }
  for (const int count : first_goes_to) {
    EXPECT_NEAR(count, kDraws / 3.0, 490);
  }
}

}  // namespace
}  // namespace sealfold::hospitals
