#include "aggregator/core/testing/sample_sender.h"

#include <atomic>
#include <utility>

#include "protocol/base/error.h"
#include "protocol/cose/sign1.h"
#include "protocol/crypto/hash.h"

namespace sealfold::testing {
namespace {

EnvelopeSender Seal(const SampleRun& run, const EnvelopeHeader& header, const SigningKey& signer,
                    const SealingPublicKey& recipient, Weight weight, Secret model_key) {
  static std::atomic<uint64_t> ephemeral{0};  // each header is sealed under a key of its own
  absl::StatusOr<EnvelopeSender> sender = EnvelopeSender::Make(
      run.plan, header, recipient, SealedHead{.weight = weight, .model_key = std::move(model_key)},
      signer, SeedOf("ephemeral", ++ephemeral));
  SEALFOLD_CHECK(sender.ok());
  return *std::move(sender);
}

}  // namespace

Message SignedBegin(const EnvelopeHeader& header, const SigningKey& signer,
                    SharedBytes sealed_head) {
  return Encode(
      Begin{.header = SignSign1(signer, "sealfold envelope 1", cbor::EncodeFields(header))},
      std::move(sealed_head));
}

EnvelopeHeader SampleSender::HeaderFor(const SampleRun& run, size_t party, const Offer& offer,
                                       const Options& options) {
  return {.plan = run.signed_plan.digest,
          .round = offer.binding.round,
          .attempt = offer.binding.attempt,
          .participant = run.parties.at(party).key.public_key(),
          .recipient = Sha256(offer.hpke_key.span()),
          .sequence = options.sequence,
          .start = options.start,
          .continues = options.continues,
          .payload_bytes = run.layout().size_bytes,
          .enc = {}};
}

SampleSender::SampleSender(const SampleRun& run, size_t party, const Offer& offer,
                           const SampleUpdate& update, Options options)
    : SampleSender(run, HeaderFor(run, party, offer, options), run.parties.at(party).key,
                   offer.hpke_key, update, std::move(options.model_key)) {}

SampleSender::SampleSender(const SampleRun& run, const EnvelopeHeader& header,
                           const SigningKey& signer, const SealingPublicKey& recipient,
                           const SampleUpdate& update, Secret model_key)
    : participant_(header.participant),
      chunk_bytes_(run.plan.chunk_bytes),
      start_(header.start),
      payload_(update.payload),
      sender_(Seal(run, header, signer, recipient, update.weight, std::move(model_key))),
      sealed_(ChunkCount(payload_.size(), chunk_bytes_)),
      sealed_next_(start_) {}

Message SampleSender::begin() const {
  return Encode(Begin{.header = sender_.signed_header()}, sender_.sealed_head());
}

Message SampleSender::chunks(uint64_t first, uint64_t end) {
  SEALFOLD_CHECK(start_ <= first && first < end && end <= sealed_.size());
  for (; sealed_next_ < end; ++sealed_next_) {
    const uint64_t size = ChunkSizeBytes(payload_.size(), chunk_bytes_, sealed_next_);
    Bytes& out = sealed_[sealed_next_];
    out.resize(size + kAeadTagSize);
    sender_.SealChunk(sealed_next_, ByteSpan(payload_).subspan(sealed_next_ * chunk_bytes_, size),
                      absl::MakeSpan(out));
  }
  Bytes bulk;
  for (uint64_t i = first; i < end; ++i) Append(bulk, sealed_[i]);
  return Encode(Chunk{.participant = participant_, .index = first}, std::move(bulk));
}

std::vector<Message> SealUpload(const SampleRun& run, size_t party, const Offer& offer,
                                const SampleUpdate& update, const Secret& ephemeral) {
  const SigningKey& key = run.parties[party].key;
  EnvelopeSender sender = *EnvelopeSender::Make(
      run.plan, SampleSender::HeaderFor(run, party, offer, {}), offer.hpke_key,
      {.weight = update.weight, .model_key = {}}, key, ephemeral);
  std::vector<Message> out = {
      Encode(Begin{.header = sender.signed_header()}, sender.sealed_head())};
  for (uint64_t i = 0; i < sender.chunk_count(); ++i) {
    const uint64_t size = ChunkSizeBytes(update.payload.size(), run.plan.chunk_bytes, i);
    Bytes sealed(size + kAeadTagSize);
    sender.SealChunk(i, ByteSpan(update.payload).subspan(i * run.plan.chunk_bytes, size),
                     absl::MakeSpan(sealed));
    out.push_back(Encode(Chunk{.participant = key.public_key(), .index = i}, std::move(sealed)));
  }
  return out;
}

}  // namespace sealfold::testing
