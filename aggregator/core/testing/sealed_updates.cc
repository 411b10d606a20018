#include "aggregator/core/testing/sealed_updates.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"

namespace sealfold::testing {

const HpkeKeyPair& Recipient() {
  static const auto* const pair = new HpkeKeyPair(HpkeKeyPair::Derive(SeedOf("recipient")));
  return *pair;
}

SealedPart SealFrom(const SampleRun& run, size_t party, const SampleUpdate& update,
                    uint64_t start) {
  static std::atomic<uint64_t> ephemeral{0};  // each header is sealed under a key of its own
  EnvelopeHeader header{.plan = run.signed_plan.digest,
                        .round = Round(1),
                        .attempt = Attempt(1),
                        .participant = run.parties.at(party).key.public_key(),
                        .recipient = Sha256(Recipient().public_key().span()),
                        .sequence = 1 + start,
                        .start = start,
                        .continues = {},
                        .payload_bytes = update.payload.size(),
                        .enc = {}};
  absl::StatusOr<EnvelopeSender> sender = EnvelopeSender::Make(
      run.plan, header, Recipient().public_key(), {.weight = update.weight, .model_key = {}},
      run.parties.at(party).key, SeedOf("sealed update", ++ephemeral));
  SEALFOLD_CHECK(sender.ok());
  const absl::StatusOr<OpenedHeader> opened = OpenEnvelopeHeader(sender->signed_header());
  SEALFOLD_CHECK(opened.ok());
  absl::StatusOr<EnvelopeReceiver> receiver =
      EnvelopeReceiver::Make(run.plan, opened->header, Recipient(), sender->sealed_head());
  SEALFOLD_CHECK(receiver.ok());
  SealedPart part{.receiver = *std::move(receiver), .chunks = {}};
  for (uint64_t i = start; i < sender->chunk_count(); ++i) {
    const uint64_t size = ChunkSizeBytes(update.payload.size(), run.plan.chunk_bytes, i);
    Bytes sealed(size + kAeadTagSize);
    sender->SealChunk(i, ByteSpan(update.payload).subspan(i * run.plan.chunk_bytes, size),
                      absl::MakeSpan(sealed));
    part.chunks.push_back(std::move(sealed));
  }
  return part;
}

std::unique_ptr<SealedUpdate> SealWhole(const SampleRun& run, size_t party,
                                        const SampleUpdate& update,
                                        const std::vector<uint64_t>& starts, uint64_t broken) {
  auto out = std::make_unique<SealedUpdate>(update.payload.size(), run.plan.chunk_bytes);
  std::vector<uint64_t> ends = starts;
  ends.push_back(out->chunk_count());
  for (const uint64_t end : ends) {
    SealedPart part = SealFrom(run, party, update, out->next());
    out->AddHeader(std::move(part.receiver));
    const uint64_t first = out->next();
    while (out->next() < end) {
      Bytes& chunk = part.chunks[out->next() - first];
      if (out->next() == broken) chunk[chunk.size() / 2] ^= 4;
      SEALFOLD_CHECK(out->Append(chunk).ok());
    }
  }
  return out;
}

}  // namespace sealfold::testing
