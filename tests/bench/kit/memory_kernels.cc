#include "tests/bench/kit/memory_kernels.h"

#include <algorithm>

#include "protocol/base/error.h"

// This file is compiled once per vector target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/bench/kit/memory_kernels.cc"
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

uint64_t VectorDoubles() { return hn::Lanes(hn::ScalableTag<double>()); }

// Chains long enough that none waits for its own last result.
uint64_t IssueVectors(uint64_t count) {
  const hn::ScalableTag<double> d;
  const hn::RebindToUnsigned<decltype(d)> u;
  const auto half = hn::Set(d, 0.5);
  const auto one = hn::Set(d, 1.0);
  auto f0 = one, f1 = one, f2 = one, f3 = one, f4 = one, f5 = one, f6 = one, f7 = one;
  auto a0 = hn::Set(u, count), a1 = a0, a2 = a0, a3 = a0;
  auto b0 = hn::Set(u, 3), b1 = b0, b2 = b0, b3 = b0;
  for (uint64_t i = 0; i < count; i += kIssueStep) {
    f0 = hn::MulAdd(f0, half, one);
    f1 = hn::MulAdd(f1, half, one);
    f2 = hn::MulAdd(f2, half, one);
    f3 = hn::MulAdd(f3, half, one);
    f4 = hn::MulAdd(f4, half, one);
    f5 = hn::MulAdd(f5, half, one);
    f6 = hn::MulAdd(f6, half, one);
    f7 = hn::MulAdd(f7, half, one);
    a0 = hn::Add(a0, b0);
    a1 = hn::Add(a1, b1);
    a2 = hn::Add(a2, b2);
    a3 = hn::Add(a3, b3);
    b0 = hn::Xor(b0, a0);
    b1 = hn::Xor(b1, a1);
    b2 = hn::Xor(b2, a2);
    b3 = hn::Xor(b3, a3);
  }
  const auto f =
      hn::Add(hn::Add(hn::Add(f0, f1), hn::Add(f2, f3)), hn::Add(hn::Add(f4, f5), hn::Add(f6, f7)));
  const auto b = hn::Or(hn::Or(b0, b1), hn::Or(b2, b3));
  return hn::GetLane(hn::Or(hn::BitCast(u, f), b));
}

constexpr size_t kSumsAhead = 2048 / sizeof(float);
constexpr size_t kElementsAhead = 512 / sizeof(float);

// Folds kUpdates updates into `count` sums.
template <size_t kUpdates>
HWY_INLINE void PlainAddSome(const absl::Span<const float>* elements, const float* weights,
                             size_t first, size_t count, float* sum) {
  const hn::ScalableTag<float> d;
  const size_t lanes = hn::Lanes(d);
  const float* from[kUpdates];
  for (size_t k = 0; k < kUpdates; ++k) from[k] = elements[k].data() + first;
  for (size_t i = 0; i < count; i += 2 * lanes) {
    // Fetched ahead as the exact fold's are.
    for (const size_t at : {i, i + lanes}) {
      __builtin_prefetch(sum + at + kSumsAhead, 1, 3);
      for (size_t k = 0; k < kUpdates; ++k) {
        __builtin_prefetch(from[k] + at + kElementsAhead, 0, 2);
      }
    }
    auto sum0 = hn::LoadU(d, sum + i);
    auto sum1 = hn::LoadU(d, sum + i + lanes);
    for (size_t k = 0; k < kUpdates; ++k) {
      const auto weight = hn::Set(d, weights[k]);
      sum0 = hn::MulAdd(hn::LoadU(d, from[k] + i), weight, sum0);
      sum1 = hn::MulAdd(hn::LoadU(d, from[k] + i + lanes), weight, sum1);
    }
    hn::StoreU(sum0, d, sum + i);
    hn::StoreU(sum1, d, sum + i + lanes);
  }
}

void PlainAddMany(absl::Span<const absl::Span<const float>> elements,
                  absl::Span<const float> weights, absl::Span<float> sum) {
  constexpr size_t kTileSums = 4096;
  const bool one_pass = elements.size() <= 2 || elements.size() == 4 || elements.size() == 8;
  const size_t tile = one_pass ? sum.size() : std::min(kTileSums, sum.size());
  for (size_t first = 0; first < sum.size(); first += tile) {
    const size_t count = std::min(tile, sum.size() - first);
    float* const to = sum.data() + first;
    size_t k = 0;
    for (; k + 8 <= elements.size(); k += 8) {
      PlainAddSome<8>(&elements[k], &weights[k], first, count, to);
    }
    for (; k + 4 <= elements.size(); k += 4) {
      PlainAddSome<4>(&elements[k], &weights[k], first, count, to);
    }
    for (; k + 2 <= elements.size(); k += 2) {
      PlainAddSome<2>(&elements[k], &weights[k], first, count, to);
    }
    if (k < elements.size()) PlainAddSome<1>(&elements[k], &weights[k], first, count, to);
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
HWY_EXPORT(IssueVectors);
HWY_EXPORT(VectorDoubles);
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

uint64_t IssueVectors(uint64_t count) {
  SEALFOLD_CHECK(count % kIssueStep == 0);
  return HWY_DYNAMIC_DISPATCH(IssueVectors)(count);
}

uint64_t VectorDoubles() { return HWY_DYNAMIC_DISPATCH(VectorDoubles)(); }

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
