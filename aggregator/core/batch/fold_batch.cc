#include "aggregator/core/batch/fold_batch.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

// So that a worker that is held up does not hold up the others for long.
constexpr uint64_t kTasksPerWorker = 4;

// Has `use(worker, first, end)` called for stretches that cover columns `first` to `end`.
void ForColumns(uint64_t first, uint64_t end, Workers& workers,
                absl::FunctionRef<void(size_t worker, uint64_t first, uint64_t end)> use) {
  const uint64_t tasks_max = workers.count() == 1 ? 1 : workers.count() * kTasksPerWorker;
  const uint64_t size = std::max<uint64_t>(1, (end - first + tasks_max - 1) / tasks_max);
  workers.Run((end - first + size - 1) / size, [&](size_t worker, size_t task) {
    const uint64_t begin = first + task * size;
    use(worker, begin, std::min(end, begin + size));
  });
}

}  // namespace

FoldBatch::FoldBatch(BatchTask task)
    : task_(std::move(task)),
      columns_(ChunkCount(task_.layout.size_bytes, task_.chunk_bytes)),
      in_(~UpdateSet{0} >> (kBatchUpdatesMax - task_.updates.size())) {
  SEALFOLD_CHECK(!task_.updates.empty() && task_.updates.size() <= kBatchUpdatesMax);
  SEALFOLD_CHECK(task_.sum.size() == task_.layout.sum_elements);
  for (const SealedUpdate* update : task_.updates) SEALFOLD_CHECK(update->complete());
}

void FoldBatch::Step(uint64_t opened_bytes_max, Workers& workers,
                     absl::Span<ColumnScratch> scratch) {
  SEALFOLD_CHECK(!done() && scratch.size() == workers.count());
  const uint64_t chunks = std::max<uint64_t>(1, opened_bytes_max / task_.chunk_bytes);
  if (!undo_.empty()) {
    UndoSome(chunks, workers, scratch);
  } else {
    FoldSome(std::max<uint64_t>(1, chunks / std::popcount(in_)), workers, scratch);
  }
  for (ColumnScratch& one : scratch) one.Wipe();
}

void FoldBatch::FoldSome(uint64_t columns, Workers& workers, absl::Span<ColumnScratch> scratch) {
  const uint64_t first = column_;
  const uint64_t end = std::min(columns_, first + columns);
  std::vector<ColumnFaults> found(end - first);
  ForColumns(first, end, workers, [&](size_t worker, uint64_t from, uint64_t to) {
    for (uint64_t column = from; column < to; ++column) {
      found[column - first] = FoldColumn(task_, column, in_, to, scratch[worker]);
    }
  });
  column_ = end;
  UpdateSet faulty = 0;
  for (const ColumnFaults& faults : found) faulty |= faults.all();
  for (UpdateSet left = faulty; left != 0; left &= left - 1) {
    TakeOut(std::countr_zero(left), found, first);
  }
}

void FoldBatch::TakeOut(size_t update, absl::Span<const ColumnFaults> found,
                        uint64_t column_first) {
  const UpdateSet bit = UpdateSet{1} << update;
  in_ &= ~bit;
  Undo undo{.fault = {}, .not_in = {}, .end = column_, .next = 0};
  for (size_t i = 0; i < found.size(); ++i) {
    if ((found[i].all() & bit) == 0) continue;
    if (undo.not_in.empty()) {
      undo.fault = {.update = update, .chunk = column_first + i, .what = found[i].OfUpdate(update)};
    }
    undo.not_in.push_back(column_first + i);
  }
  undo_.push_back(std::move(undo));
}

void FoldBatch::UndoSome(uint64_t columns, Workers& workers, absl::Span<ColumnScratch> scratch) {
  Undo& undo = undo_.front();
  const uint64_t first = undo.next;
  undo.next = std::min(undo.end, first + columns);
  ForColumns(first, undo.next, workers, [&](size_t worker, uint64_t from, uint64_t to) {
    for (uint64_t column = from; column < to; ++column) {
      if (std::binary_search(undo.not_in.begin(), undo.not_in.end(), column)) continue;
      UnfoldColumn(task_, column, undo.fault.update, scratch[worker]);
    }
  });
  if (undo.next < undo.end) return;
  faults_.push_back(undo.fault);
  undo_.pop_front();
}

}  // namespace sealfold
