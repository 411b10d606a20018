#include "tests/bench/memory_kernels.h"

#include "protocol/base/error.h"

// This file is compiled once per vector target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/bench/memory_kernels.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace sealfold::bench::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

uint64_t ReadAll(absl::Span<const uint64_t> numbers) {
  const hn::ScalableTag<uint64_t> d;
  const size_t lanes = hn::Lanes(d);
  auto any0 = hn::Zero(d);
  auto any1 = any0;
  auto any2 = any0;
  auto any3 = any0;
  const uint64_t* const from = numbers.data();
  for (size_t i = 0; i < numbers.size(); i += 4 * lanes) {
    any0 = hn::Or(any0, hn::LoadU(d, from + i));
    any1 = hn::Or(any1, hn::LoadU(d, from + i + lanes));
    any2 = hn::Or(any2, hn::LoadU(d, from + i + 2 * lanes));
    any3 = hn::Or(any3, hn::LoadU(d, from + i + 3 * lanes));
  }
  return hn::GetLane(hn::MaxOfLanes(d, hn::Or(hn::Or(any0, any1), hn::Or(any2, any3))));
}

void IncrementAll(absl::Span<uint64_t> numbers) {
  const hn::ScalableTag<uint64_t> d;
  const size_t lanes = hn::Lanes(d);
  const auto one = hn::Set(d, 1);
  uint64_t* const to = numbers.data();
  for (size_t i = 0; i < numbers.size(); i += 4 * lanes) {
    hn::StoreU(hn::Add(hn::LoadU(d, to + i), one), d, to + i);
    hn::StoreU(hn::Add(hn::LoadU(d, to + i + lanes), one), d, to + i + lanes);
    hn::StoreU(hn::Add(hn::LoadU(d, to + i + 2 * lanes), one), d, to + i + 2 * lanes);
    hn::StoreU(hn::Add(hn::LoadU(d, to + i + 3 * lanes), one), d, to + i + 3 * lanes);
  }
}

// One update after another over a tile of sums that stays in the nearest cache, as the fold does.
void PlainAddMany(absl::Span<const absl::Span<const float>> elements,
                  absl::Span<const float> weights, absl::Span<float> sum) {
  constexpr size_t kTileSums = 256;
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  for (size_t first = 0; first < sum.size(); first += kTileSums) {
    for (size_t k = 0; k < elements.size(); ++k) {
      const auto weight = hn::Set(d, weights[k]);
      const float* const from = elements[k].data() + first;
      float* const to = sum.data() + first;
      for (size_t i = 0; i < kTileSums; i += 2 * lanes) {
        const auto x0 = hn::LoadU(d, from + i);
        const auto x1 = hn::LoadU(d, from + i + lanes);
        hn::StoreU(hn::MulAdd(x0, weight, hn::LoadU(d, to + i)), d, to + i);
        hn::StoreU(hn::MulAdd(x1, weight, hn::LoadU(d, to + i + lanes)), d, to + i + lanes);
      }
    }
  }
}

}  // namespace
}  // namespace sealfold::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace sealfold::bench {
namespace {

HWY_EXPORT(ReadAll);
HWY_EXPORT(IncrementAll);
HWY_EXPORT(PlainAddMany);

constexpr size_t kMultipleBytes = 1024;

}  // namespace

uint64_t ReadAll(absl::Span<const uint64_t> numbers) {
  SEALFOLD_CHECK(numbers.size() * sizeof(uint64_t) % kMultipleBytes == 0);
  return HWY_DYNAMIC_DISPATCH(ReadAll)(numbers);
}

void IncrementAll(absl::Span<uint64_t> numbers) {
  SEALFOLD_CHECK(numbers.size() * sizeof(uint64_t) % kMultipleBytes == 0);
  HWY_DYNAMIC_DISPATCH(IncrementAll)(numbers);
}

void PlainAddMany(absl::Span<const absl::Span<const float>> elements,
                  absl::Span<const float> weights, absl::Span<float> sum) {
  SEALFOLD_CHECK(sum.size() * sizeof(float) % kMultipleBytes == 0);
  SEALFOLD_CHECK(elements.size() == weights.size());
  for (const absl::Span<const float> update : elements) {
    SEALFOLD_CHECK(update.size() == sum.size());
  }
  HWY_DYNAMIC_DISPATCH(PlainAddMany)(elements, weights, sum);
}

}  // namespace sealfold::bench
#endif  // HWY_ONCE
