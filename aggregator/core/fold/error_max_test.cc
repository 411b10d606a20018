// The record's error_max holds against the exact mean, in whole numbers.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "aggregator/core/fold/fold.h"
#include "aggregator/core/fold/testing_fold.h"

namespace sealfold {
namespace {

struct Term {
  uint64_t weight;
  uint64_t element;  // in units of 2^-24, at most 2^24
};

// The error of the mean that the fold gives, as a part of error_max.
double PartOfBound(const std::vector<Term>& terms, uint64_t weight_max) {
  const Grid grid = *Grid::Make(1.0, Weight(weight_max));
  std::vector<float> elements;
  for (const Term& term : terms) {
    elements.push_back(std::ldexp(static_cast<float>(term.element), -24));
  }
  int64_t sum = 0;
  uint64_t weight_sum = 0;
  unsigned __int128 exact = 0;  // the mean times weight_sum, in units of 2^-24
  for (size_t i = 0; i < terms.size(); ++i) {
    const FoldInput input{.elements = {reinterpret_cast<const uint8_t*>(&elements[i]), 4},
                          .scale = grid.Scale(Weight(terms[i].weight))};
    EXPECT_EQ(Fold(FoldInto::kAdd, Dtype::kF32, {input}, 1.0, absl::MakeSpan(&sum, 1)), 0u);
    weight_sum += terms[i].weight;
    exact += static_cast<unsigned __int128>(terms[i].weight) * terms[i].element;
  }
  const double mean = static_cast<double>(sum) * grid.step() / static_cast<double>(weight_sum);
  // mean = mantissa * 2^-shift; both sides times weight_sum * 2^shift are whole.
  int exponent = 0;
  const double fraction = std::frexp(mean, &exponent);
  const int shift = 53 - exponent;
  EXPECT_TRUE(shift >= 24 && shift < 60);
  const auto mantissa = static_cast<unsigned __int128>(std::ldexp(fraction, 53));
  const auto error = static_cast<__int128>(mantissa * weight_sum - (exact << (shift - 24)));
  const long double bound =
      std::ldexp(static_cast<long double>(grid.MeanErrorMax(terms.size(), weight_sum)), shift) *
      static_cast<long double>(weight_sum);
  return static_cast<double>(static_cast<long double>(error < 0 ? -error : error) / bound);
}

TEST(ErrorMaxTest, HoldsWhereTheRoundingsAddUp) {
  constexpr uint64_t kWeight = 345678901;
  EXPECT_LE(PartOfBound({{.weight = kWeight, .element = 8655968}}, kWeight), 1.0);
}

TEST(ErrorMaxTest, HoldsAgainstTheExactMean) {
  const uint64_t seed = testing_fold::Seed();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  double greatest = 0;
  for (int run = 0; run < 200'000; ++run) {
    const uint64_t weight_max = 1 + random() % (kFoldWeightMax >> random() % 29);
    std::vector<Term> terms(1 + random() % 4);
    for (Term& term : terms) {
      // Not near 0, so that the mean's mantissa times the weights fits.
      term = {.weight = 1 + random() % weight_max,
              .element = (1u << 20) + random() % ((1u << 24) - (1u << 20))};
    }
    greatest = std::max(greatest, PartOfBound(terms, weight_max));
  }
  EXPECT_LE(greatest, 1.0);
  EXPECT_GT(greatest, 0.5) << "the bound says little";
}

}  // namespace
}  // namespace sealfold
