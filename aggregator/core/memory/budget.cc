#include "aggregator/core/memory/budget.h"

#include "protocol/base/error.h"

namespace sealfold {

bool StagingBudget::Take(uint64_t size_bytes) {
  if (size_bytes > size_bytes_max_ - taken_bytes_) return false;
  taken_bytes_ += size_bytes;
  return true;
}

void StagingBudget::GiveBack(uint64_t size_bytes) {
  SEALFOLD_CHECK(size_bytes <= taken_bytes_);
  taken_bytes_ -= size_bytes;
}

}  // namespace sealfold
