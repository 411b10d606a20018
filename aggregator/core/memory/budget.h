// How much of the plan's staging memory is promised to uploads.
#ifndef SEALFOLD_AGGREGATOR_CORE_MEMORY_BUDGET_H_
#define SEALFOLD_AGGREGATOR_CORE_MEMORY_BUDGET_H_

#include <cstdint>

namespace sealfold {

class StagingBudget {
 public:
  explicit StagingBudget(uint64_t size_bytes_max) : size_bytes_max_(size_bytes_max) {}
  uint64_t taken_bytes() const { return taken_bytes_; }
  // Promises `size_bytes`, or returns false where there is no room.
  bool Take(uint64_t size_bytes);
  // Requires: as much was taken.
  void GiveBack(uint64_t size_bytes);

 private:
  uint64_t size_bytes_max_;
  uint64_t taken_bytes_ = 0;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_MEMORY_BUDGET_H_
