// For tests: a participant's side of an upload, without its checks.
#ifndef SEALFOLD_AGGREGATOR_CORE_TESTING_SAMPLE_SENDER_H_
#define SEALFOLD_AGGREGATOR_CORE_TESTING_SAMPLE_SENDER_H_

#include <cstdint>
#include <optional>
#include <utility>

#include "aggregator/core/testing/sample_run.h"
#include "protocol/envelope/envelope.h"
#include "protocol/message/message.h"

namespace sealfold::testing {

// Changes the bytes of a message's bulk, which other holders keep as they were: change(Bytes&).
template <class Change>
void ChangeBulk(Message& message, Change change) {
  Bytes bulk = ToBytes(message.bulk);
  change(bulk);
  message.bulk = std::move(bulk);
}

// `bulk` is moved; clang-tidy does not see it in a template.
template <class M>
// NOLINTNEXTLINE(performance-unnecessary-value-param)
Message Encode(const M& message, SharedBytes bulk = {}) {
  return {.head = cbor::EncodeFields(message), .bulk = std::move(bulk)};
}

// A begin with any header, signed by anyone.
Message SignedBegin(const EnvelopeHeader& header, const SigningKey& signer,
                    SharedBytes sealed_head);

// A whole upload, begin and chunks, as a function of its arguments: `ephemeral` is the sender's one
// secret. Nothing of the payload in the clear stays behind.
std::vector<Message> SealUpload(const SampleRun& run, size_t party, const Offer& offer,
                                const SampleUpdate& update, const Secret& ephemeral);

// Seals one update under one header. Chunks are sealed when first asked for, as a sender must.
class SampleSender {
 public:
  struct Options {
    uint64_t sequence = 1;
    uint64_t start = 0;
    std::optional<Digest> continues = {};
    Secret model_key = {};
  };
  // A right header for `offer`; `run`, `update` are copied or outlive it.
  static EnvelopeHeader HeaderFor(const SampleRun& run, size_t party, const Offer& offer,
                                  const Options& options);
  SampleSender(const SampleRun& run, size_t party, const Offer& offer, const SampleUpdate& update,
               Options options);
  // With a header that need not be right but in its recipient; `signer` is its participant.
  SampleSender(const SampleRun& run, const EnvelopeHeader& header, const SigningKey& signer,
               const SealingPublicKey& recipient, const SampleUpdate& update,
               Secret model_key = {});

  Message begin() const;
  uint64_t chunk_count() const { return sealed_.size(); }
  Message chunk(uint64_t index) { return chunks(index, index + 1); }
  // Chunks `first` to `end`, in one message.
  Message chunks(uint64_t first, uint64_t end);
  const Digest& header_digest() const { return sender_.header_digest(); }

 private:
  SigningPublicKey participant_;
  uint64_t chunk_bytes_;
  uint64_t start_;
  Bytes payload_;
  EnvelopeSender sender_;
  std::vector<Bytes> sealed_;  // those sealed so far
  uint64_t sealed_next_;
};

}  // namespace sealfold::testing

#endif  // SEALFOLD_AGGREGATOR_CORE_TESTING_SAMPLE_SENDER_H_
