// The leaf's side of a cascade: its sum, on its way to the root.
#ifndef SEALFOLD_AGGREGATOR_CORE_CASCADE_PARTIAL_SOURCE_H_
#define SEALFOLD_AGGREGATOR_CORE_CASCADE_PARTIAL_SOURCE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "aggregator/core/cascade/peer.h"
#include "protocol/partial/partial.h"

namespace sealfold {

// What a round's updates have come to. Nothing is owned.
struct FoldedUpdates {
  absl::Span<const int64_t> sum;  // in grid steps, as the layout has them
  absl::Span<const LogEntry> log;
  uint64_t weight_sum;
  const Secret& base_key;  // of the base model; empty: unknown, or none is needed
};

// One thread. Moves, does not copy.
class PartialSource {
 public:
  // CheckPeer's errors, "partial_empty" where there is no update, "sealing_key_weak". `folded.sum`
  // outlives it. Requires: the set of updates is final, and this sum goes nowhere else, now or
  // later: neither to another root nor, as this round's model, to the host. Who had two sums over
  // differing sets could subtract them.
  static absl::StatusOr<PartialSource> Make(const RoundTerms& terms, const RoundKeys& keys,
                                            const VerifiedPeer& root, const FoldedUpdates& folded,
                                            const Secret& ephemeral_seed);

  const Bytes& signed_header() const { return sealer_.signed_header(); }
  const Bytes& sealed_head() const { return sealer_.sealed_head(); }
  const Bytes& log() const { return log_; }  // encoded
  uint64_t chunk_count() const { return sealer_.chunk_count(); }
  // The next chunk, sealed; each comes once, so who sends them keeps them until they have arrived.
  // Requires: fewer than chunk_count() came.
  Bytes NextChunk();

 private:
  PartialSource(PartialSealer sealer, Bytes log, absl::Span<const int64_t> sum,
                uint64_t chunk_bytes);
  PartialSealer sealer_;
  Bytes log_;
  absl::Span<const int64_t> sum_;
  uint64_t chunk_bytes_;
  uint64_t next_ = 0;
};

// Bytes of the sum of a round on its way: 8 for each of its numbers.
uint64_t SumBytes(const RoundTerms& terms);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_CASCADE_PARTIAL_SOURCE_H_
