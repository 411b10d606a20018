#include "aggregator/host/serve/upload_view.h"

#include <algorithm>

#include "protocol/envelope/envelope.h"
#include "protocol/model/tensor.h"

namespace sealfold {

UploadView::UploadView(const Plan& plan)
    : chunks_total_(ChunkCount(plan.payload_layout().size_bytes, plan.chunk_bytes)) {
  for (const PlanParticipant& participant : plan.participants) chunks_[participant.key] = 0;
}

void UploadView::OnAttempt(uint64_t round, uint64_t attempt) {
  if (round == round_ && attempt == attempt_) return;
  round_ = round;
  attempt_ = attempt;
  for (auto& [participant, chunks] : chunks_) chunks = 0;
}

void UploadView::OnRelayed(ByteSpan head) {
  const absl::StatusOr<Chunk> chunk = cbor::DecodeFields<Chunk>(head);
  if (!chunk.ok()) return;
  const auto it = chunks_.find(chunk->participant);
  if (it != chunks_.end()) it->second = std::min(chunk->index, chunks_total_ - 1) + 1;
}

uint64_t UploadView::chunks(const SigningPublicKey& participant) const {
  const auto it = chunks_.find(participant);
  return it == chunks_.end() ? 0 : it->second;
}

}  // namespace sealfold
