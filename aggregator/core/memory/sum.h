// The sum of a round's updates: what the fold adds to.
#ifndef SEALFOLD_AGGREGATOR_CORE_MEMORY_SUM_H_
#define SEALFOLD_AGGREGATOR_CORE_MEMORY_SUM_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "aggregator/core/memory/pages.h"
#include "protocol/base/types.h"

namespace sealfold {

// One int64 count of grid steps for each element of the model, zero at first; wiped at the end.
// Moves, does not copy.
class Sum {
 public:
  // "memory_short". Requires: 0 < elements <= kModelBytesMax.
  static absl::StatusOr<Sum> Make(uint64_t elements);

  absl::Span<const int64_t> span() const;
  absl::Span<int64_t> Write();
  // SHA-256 of the sum as it lies in memory: shows that something left no trace.
  Digest Fingerprint() const;
  void Release() { pages_.Release(); }

 private:
  explicit Sum(Pages pages) : pages_(std::move(pages)) {}
  Pages pages_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_MEMORY_SUM_H_
