#include "aggregator/core/intake/fold_queue.h"

#include <algorithm>

#include "protocol/base/error.h"

namespace sealfold {
absl::StatusOr<FoldQueue> FoldQueue::Make(const RoundTerms& terms, FoldMeans means) {
  std::vector<ColumnScratch> scratch;
  for (size_t i = 0; i < means.workers.count(); ++i) {
    SEALFOLD_ASSIGN_OR_RETURN(
        ColumnScratch one,
        ColumnScratch::Make(std::min(terms.contract().chunk_bytes, terms.layout.size_bytes)));
    scratch.push_back(std::move(one));
  }
  return FoldQueue(terms, means, std::move(scratch));
}

void FoldQueue::Add(uint32_t participant, const SealedUpdate& update, uint64_t now_ms) {
  waiting_.push_back({.participant = participant, .update = &update, .since_ms = now_ms});
}

std::optional<uint64_t> FoldQueue::due_ms(uint64_t last_arrival_ms, bool no_more_company) const {
  if (size() == 0) return std::nullopt;
  if (batch_ != nullptr || no_more_company || waiting_.size() >= kFoldBatchMin) return 0;
  return std::min(last_arrival_ms + kFoldQuietMs, waiting_.front().since_ms + kFoldWaitMs);
}

FoldQueue::Outcome FoldQueue::Step(absl::Span<int64_t> sum, bool sum_is_zero) {
  SEALFOLD_CHECK(size() > 0);
  if (batch_ == nullptr) {
    BatchTask task{.layout = terms_->layout,
                   .grid = terms_->grid,
                   .chunk_bytes = terms_->contract().chunk_bytes,
                   .updates = {},
                   .sum = sum,
                   .sum_is_zero = sum_is_zero};
    for (; !waiting_.empty() && task.updates.size() < kBatchUpdatesMax; waiting_.pop_front()) {
      in_batch_.push_back(waiting_.front().participant);
      task.updates.push_back(waiting_.front().update);
    }
    batch_ = std::make_unique<FoldBatch>(std::move(task));
  }
  batch_->Step(means_.step_bytes * means_.workers.count(), means_.workers,
               absl::MakeSpan(scratch_));
  Outcome outcome;
  for (const FoldBatch::Fault& fault : batch_->TakeFaults()) {
    outcome.faulty.emplace_back(in_batch_[fault.update], fault);
  }
  if (!batch_->done()) return outcome;
  for (size_t i = 0; i < in_batch_.size(); ++i) {
    if (batch_->Holds(i)) outcome.folded.push_back(in_batch_[i]);
  }
  in_batch_.clear();
  batch_.reset();
  return outcome;
}

}  // namespace sealfold
