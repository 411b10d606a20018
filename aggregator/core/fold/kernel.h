// What the kernels have in common: fold.cc's of dense updates, and int8_fold.cc's.
#ifndef SEALFOLD_AGGREGATOR_CORE_FOLD_KERNEL_H_
#define SEALFOLD_AGGREGATOR_CORE_FOLD_KERNEL_H_

#include <hwy/base.h>

#include <cstddef>
#include <cstdint>

#include "aggregator/core/fold/fold.h"

namespace sealfold {

// How many of `left` updates one pass over the sums takes: the sums stay in registers meanwhile.
constexpr size_t UpdatesAtOnce(FoldInto into, size_t left) {
  if (into == FoldInto::kSubtract) return 1;
  return left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

// Fetches from memory as many sums as `count`, to be used a little later than those at `sums`. The
// processor's own fetching starts anew in each page of 4 KiB, and a sum is both its slowest stream
// and the one that all the others wait for. Inlined always: the compiler takes a call of what only
// fetches for one without effect, and leaves it out.
HWY_INLINE void FetchSumsAhead(const uint64_t* sums, size_t count) {
  constexpr size_t kAhead = 256;
  constexpr size_t kLine = 64 / sizeof(uint64_t);
  for (size_t line = 0; line < count; line += kLine) {
    __builtin_prefetch(sums + line + kAhead, 1, 3);
  }
}

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_FOLD_KERNEL_H_
