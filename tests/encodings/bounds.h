// The error bounds of docs/PROTOCOL.md, from the elements before they are encoded and nothing else.
#ifndef SEALFOLD_TESTS_ENCODINGS_BOUNDS_H_
#define SEALFOLD_TESTS_ENCODINGS_BOUNDS_H_

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <random>
#include <vector>

#include "absl/types/span.h"
#include "protocol/model/dtype.h"

namespace sealfold::testing_encodings {

// A new seed each time, or that of SEALFOLD_TEST_SEED, to run a failure again.
inline uint64_t Seed() {
  const char* const chosen = std::getenv("SEALFOLD_TEST_SEED");
  return chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : std::random_device()();
}

// Of `x`, a float32, written as an element of `dtype`. Exact.
inline double RoundingBound(Dtype dtype, double x) {
  switch (dtype) {
    case Dtype::kF16:
      return std::max(std::ldexp(std::abs(x), -11), 0x1p-25);
    case Dtype::kBf16:
      return std::max(std::ldexp(std::abs(x), -8), 0x1p-134);
    case Dtype::kF32:
      return 0;
  }
  return 0;
}

// Of each element of a block of int8_blocks whose greatest size is `greatest`.
inline long double Int8Bound(double greatest) {
  if (greatest == 0) return 0;
  return std::max(static_cast<long double>(greatest) / 127 * (1 + 0x1p-16L), 0x1p-126L);
}

// Of each element of a block of top_k that carries `carried`: the size of the smallest carried.
inline double TopKBound(absl::Span<const double> block, uint64_t carried) {
  std::vector<double> sizes;
  for (const double x : block) sizes.push_back(std::abs(x));
  std::sort(sizes.begin(), sizes.end(), std::greater<>());
  return sizes[carried - 1];
}

}  // namespace sealfold::testing_encodings

#endif  // SEALFOLD_TESTS_ENCODINGS_BOUNDS_H_
