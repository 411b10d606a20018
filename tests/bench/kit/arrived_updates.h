// Sealed F32 updates as the aggregator has them when the last chunk came, of any size and without
// their plaintext being held anywhere: it is one pattern over and over.
#ifndef SEALFOLD_TESTS_BENCH_KIT_ARRIVED_UPDATES_H_
#define SEALFOLD_TESTS_BENCH_KIT_ARRIVED_UPDATES_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregator/core/batch/fold_batch.h"
#include "aggregator/core/batch/sealed_update.h"
#include "aggregator/core/fold/grid.h"
#include "protocol/crypto/hpke.h"
#include "protocol/crypto/sign.h"
#include "protocol/envelope/envelope.h"
#include "protocol/plan/plan.h"

namespace sealfold::bench {

struct ArrivedUpdate {
  Bytes signed_header;
  Bytes sealed_head;
  SealedUpdate update;  // complete
};

// One plan's. Outlives what it makes.
class UpdateMaker {
 public:
  // In chunks of the size that a plan has by itself, or of this one, a power of two.
  explicit UpdateMaker(uint64_t elements, uint64_t chunk_bytes = Plan().chunk_bytes);
  UpdateMaker(const UpdateMaker&) = delete;
  UpdateMaker& operator=(const UpdateMaker&) = delete;

  absl::StatusOr<ArrivedUpdate> Arrive() const;
  // Seals an update and keeps nothing of it: what that costs a participant.
  void SealAll() const;
  std::vector<ArrivedUpdate> ArriveMany(size_t count) const;  // or the process ends
  // What a begin costs the aggregator: signature, key agreement, head.
  absl::StatusOr<EnvelopeReceiver> OpenBegin(const ArrivedUpdate& arrived) const;

  const Plan& plan() const { return plan_; }
  const PayloadLayout& layout() const { return layout_; }
  const Grid& grid() const { return grid_; }
  uint64_t elements() const { return layout_.sum_elements; }
  uint64_t payload_bytes() const { return layout_.size_bytes; }
  uint64_t chunk_count() const { return ChunkCount(layout_.size_bytes, plan_.chunk_bytes); }
  double scale() const { return grid_.Scale(plan_.weight_max); }  // of every update's weight
  // The plaintext of chunk `index`.
  ByteSpan Plaintext(uint64_t index) const;
  // Elements of the sum that stand for chunk `index`.
  absl::Span<int64_t> SumOf(uint64_t index, absl::Span<int64_t> sum) const;

  // A batch of these into `sum`, which counts as zeros.
  BatchTask Task(absl::Span<const ArrivedUpdate> updates, absl::Span<int64_t> sum) const;

 private:
  EnvelopeSender Sender() const;
  const SigningKey key_;
  const HpkeKeyPair recipient_;
  const Plan plan_;
  const PayloadLayout layout_;
  const Grid grid_;
  Bytes pattern_;
};

// Into a sum of zeros. One scratch for each worker.
void FoldAll(BatchTask task, Workers& workers, absl::Span<ColumnScratch> scratch);

absl::StatusOr<std::vector<ColumnScratch>> ScratchFor(const Workers& workers, const Plan& plan);

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_KIT_ARRIVED_UPDATES_H_
