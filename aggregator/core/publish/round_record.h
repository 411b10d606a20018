// What a round comes to, signed.
#ifndef SEALFOLD_AGGREGATOR_CORE_PUBLISH_ROUND_RECORD_H_
#define SEALFOLD_AGGREGATOR_CORE_PUBLISH_ROUND_RECORD_H_

#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "aggregator/core/contract/keys.h"
#include "aggregator/core/contract/terms.h"
#include "protocol/record/record.h"

namespace sealfold {

// The signed record of a round whose updates are in `log` and have `weight_sum` in all, and whose
// new model, in the clear, has the digest `model`. `identity`: of an aggregator that keeps state,
// its claim for this attempt. Requires: as many updates as the plan's quorum.
Bytes SignRoundRecord(const RoundTerms& terms, const RoundKeys& keys,
                      absl::Span<const LogEntry> log, uint64_t weight_sum, const Digest& model,
                      const std::optional<Bytes>& identity = {});

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_PUBLISH_ROUND_RECORD_H_
