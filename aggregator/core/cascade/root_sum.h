// What leaves' sums add up to at the root of a cascade: the same bits as one aggregator that had
// folded all of their updates, whatever the split and the order.
#ifndef SEALFOLD_AGGREGATOR_CORE_CASCADE_ROOT_SUM_H_
#define SEALFOLD_AGGREGATOR_CORE_CASCADE_ROOT_SUM_H_

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "aggregator/core/cascade/partial_intake.h"
#include "aggregator/core/cascade/partial_source.h"
#include "aggregator/core/memory/sum.h"

namespace sealfold {

// One thread. Moves, does not copy.
class RootSum {
 public:
  // "memory_short". `terms` outlives it.
  static absl::StatusOr<RootSum> Make(const RoundTerms& terms);

  // Adds a leaf's sum, wholly or, with an error, not at all: "partial_participant_doubled" where
  // one of its updates is by a participant that an earlier leaf had. So there are no more terms
  // than the plan has participants, fewer than 2^16 of at most 2^47, and no number overflows.
  // Requires: partial.complete(), made with the same terms.
  absl::Status Add(const PartialIntake& partial);

  // The updates of all leaves, numbered anew in the order in which they were added: what the
  // round's record commits to.
  const std::vector<LogEntry>& log() const { return log_; }
  uint64_t weight_sum() const { return weight_sum_; }
  absl::Span<const int64_t> sum() const { return sum_.span(); }
  // Of the base model, from the first leaf that had it; empty: none had.
  const Secret& base_key() const { return base_key_; }
  // For publishing, or for a root above this one.
  FoldedUpdates folded() const {
    return {.sum = sum(), .log = log_, .weight_sum = weight_sum_, .base_key = base_key_};
  }

 private:
  explicit RootSum(Sum sum) : sum_(std::move(sum)) {}
  Sum sum_;
  std::vector<LogEntry> log_;
  absl::flat_hash_set<SigningPublicKey> participants_;
  uint64_t weight_sum_ = 0;
  Secret base_key_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_CASCADE_ROOT_SUM_H_
