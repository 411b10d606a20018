#include "aggregator/host/serve/upload_view.h"

#include <algorithm>

#include "protocol/envelope/envelope.h"
#include "protocol/model/tensor.h"

namespace sealfold {

UploadView::UploadView(const Plan& plan)
    : sealed_chunk_bytes_(plan.chunk_bytes + kAeadTagSize),
      chunks_total_(ChunkCount(plan.payload_layout().size_bytes, plan.chunk_bytes)) {
  for (const PlanParticipant& participant : plan.participants) chunks_[participant.key] = 0;
}

void UploadView::OnAttempt(uint64_t round, uint64_t attempt) {
  if (round == round_ && attempt == attempt_) return;
  round_ = round;
  attempt_ = attempt;
  for (auto& [participant, chunks] : chunks_) chunks = 0;
}

void UploadView::OnRelayed(const Message& message) {
  const absl::StatusOr<Chunk> chunk = cbor::DecodeFields<Chunk>(message.head);
  if (!chunk.ok()) return;
  const auto it = chunks_.find(chunk->participant);
  if (it == chunks_.end()) return;
  const uint64_t count = (message.bulk.size() + sealed_chunk_bytes_ - 1) / sealed_chunk_bytes_;
  it->second = std::min(std::min(chunk->index, chunks_total_) + count, chunks_total_);
}

uint64_t UploadView::chunks(const SigningPublicKey& participant) const {
  const auto it = chunks_.find(participant);
  return it == chunks_.end() ? 0 : it->second;
}

}  // namespace sealfold
