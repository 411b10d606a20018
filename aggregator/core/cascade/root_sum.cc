#include "aggregator/core/cascade/root_sum.h"

#include <utility>

#include "protocol/base/error.h"

namespace sealfold {

absl::StatusOr<RootSum> RootSum::Make(const RoundTerms& terms) {
  SEALFOLD_ASSIGN_OR_RETURN(Sum sum, Sum::Make(terms.layout.sum_elements));
  return RootSum(std::move(sum));
}

absl::Status RootSum::Add(const PartialIntake& partial) {
  for (const LogEntry& entry : partial.log()) {
    if (!participants_.contains(entry.participant)) continue;
    return Refused({.code = "partial_participant_doubled",
                    .what = "participants of the partial sum",
                    .expected = "none that another leaf has",
                    .found = entry.participant.hex(),
                    .advice = "a participant sends its update to one leaf"});
  }
  const absl::Span<const int64_t> from = partial.sum();
  const absl::Span<int64_t> to = sum_.Write();
  SEALFOLD_CHECK(from.size() == to.size());
  SEALFOLD_CHECK(log_.size() + partial.log().size() <= kFoldTermsMax);
  for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  for (LogEntry entry : partial.log()) {
    entry.index = log_.size();
    participants_.insert(entry.participant);
    log_.push_back(entry);
  }
  weight_sum_ += partial.weight_sum();
  if (base_key_.empty()) base_key_ = Secret::CopyOf(partial.base_key().span());
  return absl::OkStatus();
}

}  // namespace sealfold
