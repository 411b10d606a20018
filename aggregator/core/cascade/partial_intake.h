// The root's side of a cascade: one leaf's sum as it comes in. Nothing of it is in the root's own
// sum before the whole of it came and passed every check.
#ifndef SEALFOLD_AGGREGATOR_CORE_CASCADE_PARTIAL_INTAKE_H_
#define SEALFOLD_AGGREGATOR_CORE_CASCADE_PARTIAL_INTAKE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "aggregator/core/cascade/peer.h"
#include "aggregator/core/memory/sum.h"
#include "protocol/partial/partial.h"

namespace sealfold {

// One thread. Moves, does not copy.
class PartialIntake {
 public:
  // Everything that does not need the sum itself:
  //   CheckPeer's errors; those of OpenPartialHeader, DecodePartialLog and CheckLogEntries
  //   "partial_signer": not by the record key that the leaf's evidence names
  //   "wrong_plan", "wrong_round", "wrong_attempt", "partial_leaf", "wrong_recipient_key"
  //   "partial_sum_bytes", "partial_step": not a sum as this plan has it
  //   "partial_updates", "partial_log_root": the log is not the one that the leaf signed
  //   "seal_broken", "head_length", "sealing_key_weak"
  //   "partial_weight": not 1 to weight_max for each update
  //   "model_key_wrong"
  //   "memory_short"
  // `terms` outlives it.
  static absl::StatusOr<PartialIntake> Make(const RoundTerms& terms, const RoundKeys& keys,
                                            const VerifiedPeer& leaf, ByteSpan signed_header,
                                            ByteSpan sealed_head, ByteSpan log);

  uint64_t next() const { return next_; }  // chunk
  bool complete() const { return next_ == opener_.chunk_count(); }
  // "chunk_out_of_order", "chunk_length", "seal_broken": nothing changed. "partial_out_of_range",
  // "padding_not_zero": this partial sum is not what updates within the plan add up to, and never
  // becomes complete. Requires: !complete().
  absl::Status TakeChunk(uint64_t index, ByteSpan sealed);

  // Of the leaf's updates.
  absl::Span<const LogEntry> log() const { return log_; }
  uint64_t weight_sum() const { return opener_.head().weight.value(); }
  // Of the base model; empty where the leaf did not have it.
  const Secret& base_key() const { return opener_.head().model_key; }
  // Requires: complete().
  absl::Span<const int64_t> sum() const;

 private:
  PartialIntake(const RoundTerms& terms, PartialOpener opener, std::vector<LogEntry> log, Sum sum);
  absl::Status CheckSums(uint64_t first, uint64_t end) const;

  const RoundTerms* terms_;
  PartialOpener opener_;
  std::vector<LogEntry> log_;
  Sum sum_;
  uint64_t next_ = 0;
  bool refused_ = false;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_CASCADE_PARTIAL_INTAKE_H_
