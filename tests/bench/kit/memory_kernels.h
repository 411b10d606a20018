// What the fold is compared with: memory's own speed, how fast the core issues vector instructions,
// and sums that are not exact. The widest vectors of the machine, as in the fold. Requires of all
// sizes: multiples of 1 KiB.
#ifndef SEALFOLD_TESTS_BENCH_KIT_MEMORY_KERNELS_H_
#define SEALFOLD_TESTS_BENCH_KIT_MEMORY_KERNELS_H_

#include <cstdint>

#include "absl/types/span.h"

namespace sealfold::bench {

// Reads all of `numbers`; what comes back depends on each of them.
uint64_t ReadAll(absl::Span<const uint64_t> numbers);

// Adds 1 to each: reads and writes all.
void IncrementAll(absl::Span<uint64_t> numbers);

// Executes `count` vector instructions on registers, a multiple of kIssueStep, as many at once as
// the core can: half of them products with sums, half integer sums and bits, as in a fold.
inline constexpr uint64_t kIssueStep = 16;
uint64_t IssueVectors(uint64_t count);

// Doubles in a vector.
uint64_t VectorDoubles();

// sum[i] += weights[k] * elements[k][i] for all k, in float32: up to eight updates a pass in
// registers, over tiles of the sum that stay in the nearest cache, as the exact fold does.
// Requires: one weight for each of `elements`, which are as long as `sum`.
void PlainAddMany(absl::Span<const absl::Span<const float>> elements,
                  absl::Span<const float> weights, absl::Span<float> sum);

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_KIT_MEMORY_KERNELS_H_
