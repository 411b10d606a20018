#include "aggregator/core/publish/round_record.h"

#include "protocol/base/error.h"
#include "protocol/envelope/sealed_model.h"

namespace sealfold {

Bytes SignRoundRecord(const RoundTerms& terms, const RoundKeys& keys,
                      absl::Span<const LogEntry> log, uint64_t weight_sum, const Digest& model,
                      const std::optional<Bytes>& identity) {
  SEALFOLD_CHECK(log.size() >= terms.contract().quorum);
  RoundRecord record{.plan = terms.plan.digest,
                     .round = terms.round,
                     .attempt = terms.attempt,
                     .previous_record = terms.previous_record,
                     .base_model = terms.base_model,
                     .model = model,
                     .log_root = LogRoot(log),
                     .updates = log.size(),
                     .weight_sum = weight_sum,
                     .error_max = terms.grid.MeanErrorMax(log.size(), weight_sum),
                     .model_key_commitment = {},
                     .identity = identity};
  if (terms.contract().delivery == Delivery::kSealed) {
    record.model_key_commitment = ModelKeyCommitment(keys.model_key().span());
  }
  return SignRecord(record, keys.record_key());
}

}  // namespace sealfold
