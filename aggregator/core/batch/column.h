// A column: chunk i of every update of a batch, and the part of the sum that belongs to it. Columns
// are disjoint parts of the sum, so that several threads may fold several columns at once, each
// with a scratch of its own.
#ifndef SEALFOLD_AGGREGATOR_CORE_BATCH_COLUMN_H_
#define SEALFOLD_AGGREGATOR_CORE_BATCH_COLUMN_H_

#include <array>
#include <cstdint>
#include <functional>
#include <numeric>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "aggregator/core/batch/sealed_update.h"
#include "aggregator/core/batch/update_fault.h"
#include "aggregator/core/fold/grid.h"
#include "aggregator/core/memory/pages.h"
#include "protocol/model/tensor.h"

namespace sealfold {

inline constexpr size_t kBatchUpdatesMax = 64;

// A set of a batch's updates: bit k is the k-th.
using UpdateSet = uint64_t;

// The only place where updates are in the clear: a few opened chunks, locked where the system
// allows it. Of one thread at a time. Moves, does not copy.
class ColumnScratch {
 public:
  // "memory_short". Room for what pays: up to eight chunks, as long as they stay in the cache.
  static absl::StatusOr<ColumnScratch> Make(uint64_t chunk_bytes);
  size_t chunks() const { return chunks_; }
  // For an opened chunk. Requires: index < chunks(), size_bytes <= chunk_bytes.
  MutableByteSpan Slot(size_t index, uint64_t size_bytes);
  // Of what has been opened since the last time.
  void Wipe();

 private:
  ColumnScratch(Pages pages, uint64_t chunk_bytes, size_t chunks)
      : pages_(std::move(pages)), chunk_bytes_(chunk_bytes), chunks_(chunks) {}
  Pages pages_;
  uint64_t chunk_bytes_;
  size_t chunks_;
  uint64_t used_bytes_ = 0;
};

// What a batch folds and where to. All of it outlives the batch; the updates do not change as long
// as they are in it.
struct BatchTask {
  const PayloadLayout& layout;
  const Grid& grid;
  uint64_t chunk_bytes;
  std::vector<const SealedUpdate*> updates;  // complete; 1 to kBatchUpdatesMax
  absl::Span<int64_t> sum;
  bool sum_is_zero;  // and so need not be read
};

// Updates that are not in the column, by what is wrong with their chunk.
struct ColumnFaults {
  UpdateSet& operator[](UpdateFault fault) { return of[static_cast<size_t>(fault)]; }
  UpdateSet all() const {
    return std::accumulate(of.begin(), of.end(), UpdateSet{0}, std::bit_or());
  }
  // Requires: `update` is among all().
  UpdateFault OfUpdate(size_t update) const {
    size_t fault = 0;
    while ((of[fault] >> update & 1) == 0) ++fault;
    return static_cast<UpdateFault>(fault);
  }
  std::array<UpdateSet, kUpdateFaults> of = {};
};

// Opens chunk `column` of each of `among`, checks it, and folds those in which nothing is wrong.
// Memory of the column that comes next is fetched meanwhile if it is below `column_end`.
ColumnFaults FoldColumn(const BatchTask& task, uint64_t column, UpdateSet among,
                        uint64_t column_end, ColumnScratch& scratch);

// Takes one update out of a column again, exactly. Requires: it is in it.
void UnfoldColumn(const BatchTask& task, uint64_t column, size_t update, ColumnScratch& scratch);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_BATCH_COLUMN_H_
