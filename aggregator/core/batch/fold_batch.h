// Folds complete updates together, column by column: the chunks of a column are opened one after
// the other in the cache, checked, summed, and the sum is read and written once for all of them.
//
// What is wrong with an update shows only here. It is then taken out of the batch, and out of the
// columns in which it already is, by opening those again and subtracting: sums are integers, so not
// a bit of it stays. What comes out does not depend on threads or on how the steps are cut.
#ifndef SEALFOLD_AGGREGATOR_CORE_BATCH_FOLD_BATCH_H_
#define SEALFOLD_AGGREGATOR_CORE_BATCH_FOLD_BATCH_H_

#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "aggregator/core/batch/column.h"
#include "aggregator/core/batch/workers.h"

namespace sealfold {

// One thread, apart from the workers inside Step.
class FoldBatch {
 public:
  struct Fault {
    size_t update;   // of the task's
    uint64_t chunk;  // the first in which something is wrong
    UpdateFault what;
  };

  // Requires: every update is complete.
  explicit FoldBatch(BatchTask task);
  FoldBatch(const FoldBatch&) = delete;
  FoldBatch& operator=(const FoldBatch&) = delete;

  // Some columns more: about `opened_bytes_max` bytes are opened, one column at least. One scratch
  // for each worker; they are wiped before it returns. Requires: !done().
  void Step(uint64_t opened_bytes_max, Workers& workers, absl::Span<ColumnScratch> scratch);
  // The sum has all columns of the updates that Holds() names, and nothing of the others.
  bool done() const { return undo_.empty() && (column_ == columns_ || in_ == 0); }
  bool Holds(size_t update) const { return (in_ >> update & 1) != 0; }
  // Updates found faulty of which the sum has nothing any more, each once: the batch does not look
  // at them again.
  std::vector<Fault> TakeFaults() { return std::exchange(faults_, {}); }

 private:
  // An update that has to be taken out of columns.
  struct Undo {
    Fault fault;
    std::vector<uint64_t> not_in;  // columns before `end` that do not have it, rising
    uint64_t end;
    uint64_t next;
  };
  void FoldSome(uint64_t columns, Workers& workers, absl::Span<ColumnScratch> scratch);
  void UndoSome(uint64_t columns, Workers& workers, absl::Span<ColumnScratch> scratch);
  void TakeOut(size_t update, absl::Span<const ColumnFaults> found, uint64_t column_first);

  const BatchTask task_;
  const uint64_t columns_;
  UpdateSet in_;
  uint64_t column_ = 0;  // the next to fold
  std::deque<Undo> undo_;
  std::vector<Fault> faults_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_BATCH_FOLD_BATCH_H_
