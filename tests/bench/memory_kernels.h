// What the fold is compared with: memory's own speed, and sums that are not exact. The widest
// vectors of the machine, as in the fold. Requires of all sizes: multiples of 1 KiB.
#ifndef SEALFOLD_TESTS_BENCH_MEMORY_KERNELS_H_
#define SEALFOLD_TESTS_BENCH_MEMORY_KERNELS_H_

#include <cstdint>

#include "absl/types/span.h"

namespace sealfold::bench {

// Reads all of `numbers`; what comes back depends on each of them.
uint64_t ReadAll(absl::Span<const uint64_t> numbers);

// Adds 1 to each: reads and writes all.
void IncrementAll(absl::Span<uint64_t> numbers);

// sum[i] += weights[k] * elements[k][i] for all k, in float32. Requires: one weight for each of
// `elements`, which are as long as `sum`.
void PlainAddMany(absl::Span<const absl::Span<const float>> elements,
                  absl::Span<const float> weights, absl::Span<float> sum);

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_MEMORY_KERNELS_H_
