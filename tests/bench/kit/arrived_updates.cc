#include "tests/bench/kit/arrived_updates.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "protocol/base/error.h"
#include "protocol/base/random.h"

namespace sealfold::bench {
namespace {

constexpr uint64_t kWeight = 100;
constexpr size_t kPatternBytes = 1 << 20;  // a multiple of any plan's chunk
constexpr uint64_t kStepBytes = 64u << 20;

Plan PlanOf(uint64_t elements, uint64_t chunk_bytes) {
  Plan plan;
  plan.chunk_bytes = chunk_bytes;
  plan.tensors = {{.name = "bulk", .dtype = Dtype::kF32, .shape = {elements}}};
  plan.range = 1.0;
  plan.weight_max = Weight(kWeight);
  return plan;
}

}  // namespace

UpdateMaker::UpdateMaker(uint64_t elements, uint64_t chunk_bytes)
    : key_(SigningKey::FromSeed(RandomSecret(SigningKey::kSeedSize))),
      recipient_(HpkeKeyPair::Derive(RandomSecret(kHpkeSeedSize))),
      plan_(PlanOf(elements, chunk_bytes)),
      layout_(plan_.payload_layout()),
      grid_(*Grid::Make(plan_.range, plan_.weight_max)),
      pattern_(kPatternBytes) {
  SEALFOLD_CHECK(kPatternBytes % plan_.chunk_bytes == 0);
  for (uint64_t i = 0; i < kPatternBytes / sizeof(float); ++i) {
    const float x = static_cast<float>(i * 2654435761U % 2'000'001) / 1'000'000.0F - 1.0F;
    std::memcpy(&pattern_[i * sizeof(x)], &x, sizeof(x));
  }
  SEALFOLD_CHECK(layout_.sum_elements == elements);
}

ByteSpan UpdateMaker::Plaintext(uint64_t index) const {
  const uint64_t size = ChunkSizeBytes(layout_.size_bytes, plan_.chunk_bytes, index);
  return ByteSpan(pattern_).subspan(index * plan_.chunk_bytes % kPatternBytes, size);
}

absl::Span<int64_t> UpdateMaker::SumOf(uint64_t index, absl::Span<int64_t> sum) const {
  const uint64_t chunk = plan_.chunk_bytes / sizeof(float);
  return sum.subspan(index * chunk, std::min(chunk, sum.size() - index * chunk));
}

EnvelopeSender UpdateMaker::Sender() const {
  EnvelopeHeader header;
  header.participant = key_.public_key();
  header.sequence = 1;
  header.payload_bytes = layout_.size_bytes;
  absl::StatusOr<EnvelopeSender> sender = EnvelopeSender::Make(
      plan_, header, recipient_.public_key(), {.weight = plan_.weight_max, .model_key = {}}, key_,
      RandomSecret(kHpkeSeedSize));
  SEALFOLD_CHECK(sender.ok());
  return *std::move(sender);
}

absl::StatusOr<ArrivedUpdate> UpdateMaker::Arrive() const {
  EnvelopeSender sender = Sender();
  ArrivedUpdate out{.signed_header = sender.signed_header(),
                    .sealed_head = sender.sealed_head(),
                    .update = SealedUpdate(layout_.size_bytes, plan_.chunk_bytes)};
  SEALFOLD_ASSIGN_OR_RETURN(EnvelopeReceiver receiver, OpenBegin(out));
  out.update.AddHeader(std::move(receiver));
  Bytes sealed;
  for (uint64_t i = 0; i < sender.chunk_count(); ++i) {
    sealed.resize(Plaintext(i).size() + kAeadTagSize);
    sender.SealChunk(i, Plaintext(i), absl::MakeSpan(sealed));
    SEALFOLD_RETURN_IF_ERROR(out.update.Append(sealed));
  }
  return out;
}

void UpdateMaker::SealAll() const {
  EnvelopeSender sender = Sender();
  Bytes sealed(plan_.chunk_bytes + kAeadTagSize);
  for (uint64_t i = 0; i < sender.chunk_count(); ++i) {
    const ByteSpan chunk = Plaintext(i);
    sender.SealChunk(i, chunk, absl::MakeSpan(sealed).first(chunk.size() + kAeadTagSize));
  }
}

std::vector<ArrivedUpdate> UpdateMaker::ArriveMany(size_t count) const {
  std::vector<ArrivedUpdate> out;
  for (size_t k = 0; k < count; ++k) {
    absl::StatusOr<ArrivedUpdate> arrived = Arrive();
    SEALFOLD_CHECK(arrived.ok());
    out.push_back(*std::move(arrived));
  }
  return out;
}

absl::StatusOr<EnvelopeReceiver> UpdateMaker::OpenBegin(const ArrivedUpdate& arrived) const {
  SEALFOLD_ASSIGN_OR_RETURN(const OpenedHeader opened, OpenEnvelopeHeader(arrived.signed_header));
  return EnvelopeReceiver::Make(plan_, opened.header, recipient_, arrived.sealed_head);
}

BatchTask UpdateMaker::Task(absl::Span<const ArrivedUpdate> updates,
                            absl::Span<int64_t> sum) const {
  BatchTask task{.layout = layout_,
                 .grid = grid_,
                 .chunk_bytes = plan_.chunk_bytes,
                 .updates = {},
                 .sum = sum,
                 .sum_is_zero = true};
  for (const ArrivedUpdate& arrived : updates) task.updates.push_back(&arrived.update);
  return task;
}

void FoldAll(BatchTask task, Workers& workers, absl::Span<ColumnScratch> scratch) {
  FoldBatch batch(std::move(task));
  while (!batch.done()) batch.Step(kStepBytes, workers, scratch);
  SEALFOLD_CHECK(batch.TakeFaults().empty());
}

absl::StatusOr<std::vector<ColumnScratch>> ScratchFor(const Workers& workers, const Plan& plan) {
  std::vector<ColumnScratch> out;
  for (size_t i = 0; i < workers.count(); ++i) {
    SEALFOLD_ASSIGN_OR_RETURN(ColumnScratch scratch, ColumnScratch::Make(plan.chunk_bytes));
    out.push_back(std::move(scratch));
  }
  return out;
}

}  // namespace sealfold::bench
