// For the tests of the fold: random elements with all their corners, and every vector target in
// turn.
#ifndef SEALFOLD_AGGREGATOR_CORE_FOLD_TESTING_FOLD_H_
#define SEALFOLD_AGGREGATOR_CORE_FOLD_TESTING_FOLD_H_

#include <gtest/gtest.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "aggregator/core/fold/fold.h"
#include "protocol/model/element.h"

namespace sealfold::testing_fold {

// A new seed each time, or that of SEALFOLD_TEST_SEED, to run a failure again.
inline uint64_t Seed() {
  const char* const chosen = std::getenv("SEALFOLD_TEST_SEED");
  return chosen != nullptr ? std::strtoull(chosen, nullptr, 10) : std::random_device()();
}

// Runs the rest of a test with each vector target that this processor has, the plain one included:
//   for (const int64_t target : Targets()) { const UseTarget use(target); ... }
inline std::vector<int64_t> Targets() { return hwy::SupportedAndGeneratedTargets(); }

class UseTarget {
 public:
  explicit UseTarget(int64_t target) : trace_(__FILE__, __LINE__, hwy::TargetName(target)) {
    hwy::SetSupportedTargetsForTest(target);
    EXPECT_STREQ(FoldTargetName(), hwy::TargetName(target));
  }
  ~UseTarget() { hwy::SetSupportedTargetsForTest(0); }
  UseTarget(const UseTarget&) = delete;
  UseTarget& operator=(const UseTarget&) = delete;

 private:
  testing::ScopedTrace trace_;
};

// `count` elements with |x| <= range: of any size, denormals, both zeros and both ends of the range
// among them.
inline Bytes RandomElements(Dtype dtype, size_t count, double range, std::mt19937_64& random) {
  const size_t size = DtypeSizeBytes(dtype);
  const double finite_max = dtype == Dtype::kF16    ? 65504.0
                            : dtype == Dtype::kBf16 ? 0x1.fep127
                                                    : 0x1.fffffep127;
  const double end = std::min(range, finite_max);
  Bytes out(count * size);
  for (size_t i = 0; i < count; ++i) {
    uint8_t* const element = out.data() + i * size;
    const uint64_t bits = random();
    std::memcpy(element, &bits, size);  // any pattern
    const uint64_t kind = random() % 8;
    if (kind == 0) WriteElement(dtype, bits % 2 == 0 ? 0.0 : -0.0, element);
    if (kind == 1) WriteElement(dtype, bits % 2 == 0 ? end : -end, element);
    if (kind == 2) element[size - 1] &= 0x80;  // denormal in F32, small
    if (kind > 4) {
      WriteElement(dtype, end * (2 * std::uniform_real_distribution<double>()(random) - 1),
                   element);
    }
    if (!(std::abs(ReadElement(dtype, element)) <= end)) WriteElement(dtype, end / 2, element);
  }
  return out;
}

// One update added, or taken away again.
inline void FoldOne(FoldInto into, Dtype dtype, ByteSpan elements, double scale,
                    absl::Span<int64_t> sum) {
  const FoldInput input{.elements = elements, .scale = scale};
  Fold(into, dtype, {&input, 1}, std::numeric_limits<double>::max(), sum);
}
inline void FoldAdd(Dtype dtype, ByteSpan elements, double scale, absl::Span<int64_t> sum) {
  FoldOne(FoldInto::kAdd, dtype, elements, scale, sum);
}
inline void FoldSubtract(Dtype dtype, ByteSpan elements, double scale, absl::Span<int64_t> sum) {
  FoldOne(FoldInto::kSubtract, dtype, elements, scale, sum);
}

}  // namespace sealfold::testing_fold

#endif  // SEALFOLD_AGGREGATOR_CORE_FOLD_TESTING_FOLD_H_
