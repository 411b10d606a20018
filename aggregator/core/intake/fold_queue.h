// Complete uploads on their way into the sum: when they are folded together, and with whom.
#ifndef SEALFOLD_AGGREGATOR_CORE_INTAKE_FOLD_QUEUE_H_
#define SEALFOLD_AGGREGATOR_CORE_INTAKE_FOLD_QUEUE_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregator/core/batch/fold_batch.h"
#include "aggregator/core/contract/terms.h"

namespace sealfold {

// As many as one pass over a column takes at once: more would gain little.
inline constexpr size_t kFoldBatchMin = 8;
// Nothing has come for so long: waiting for more company gains nothing.
inline constexpr uint64_t kFoldQuietMs = 5;
// No complete upload waits longer, so that its sender hears of it.
inline constexpr uint64_t kFoldWaitMs = 100;

// Who folds, and how much in one step.
struct FoldMeans {
  Workers& workers;
  // Opened by each worker: a few milliseconds, so that messages are heard in between.
  uint64_t step_bytes = 16u << 20;
};

// One thread. `terms` and the workers outlive it.
class FoldQueue {
 public:
  // "memory_short".
  static absl::StatusOr<FoldQueue> Make(const RoundTerms& terms, FoldMeans means);

  // A complete update of the plan's participant number `participant`, at the end of the line. It
  // stays as it is until Step hands it back.
  void Add(uint32_t participant, const SealedUpdate& update, uint64_t now_ms);
  // In line and in the batch under way.
  size_t size() const { return waiting_.size() + in_batch_.size(); }

  // When to call Step; none while there is nothing to fold. `last_arrival_ms`: when something of
  // any upload came last; `no_more_company`: waiting is in vain, as every upload that can become
  // complete is.
  std::optional<uint64_t> due_ms(uint64_t last_arrival_ms, bool no_more_company) const;

  struct Outcome {
    std::vector<uint32_t> folded;  // participants, in the order in which they became complete
    std::vector<std::pair<uint32_t, FoldBatch::Fault>> faulty;
  };
  // Begins a batch or goes on with it, by one step. `sum` is of the round, all zero or
  // not. Requires: size() > 0.
  Outcome Step(absl::Span<int64_t> sum, bool sum_is_zero);

  // For one opened chunk; wiped by WipeScratch.
  MutableByteSpan Scratch(uint64_t size_bytes) { return scratch_.front().Slot(0, size_bytes); }
  void WipeScratch() { scratch_.front().Wipe(); }

 private:
  FoldQueue(const RoundTerms& terms, FoldMeans means, std::vector<ColumnScratch> scratch)
      : terms_(&terms), means_(means), scratch_(std::move(scratch)) {}

  struct Complete {
    uint32_t participant;
    const SealedUpdate* update;
    uint64_t since_ms;
  };
  const RoundTerms* terms_;
  FoldMeans means_;
  std::vector<ColumnScratch> scratch_;  // one for each worker
  std::deque<Complete> waiting_;
  std::vector<uint32_t> in_batch_;  // participants, as numbered in batch_
  std::unique_ptr<FoldBatch> batch_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_INTAKE_FOLD_QUEUE_H_
