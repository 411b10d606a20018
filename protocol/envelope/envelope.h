// The sealed update (docs/PROTOCOL.md, "Envelope").
//
// An update is a payload (PayloadLayout) cut into chunks of the plan's size. A signed header
// names plan, round, attempt, participant and key; message 0 of the HPKE context is the sealed head
// (weight and, for sealed delivery, the last model's key); message i + 1 is chunk i. Each
// message is bound to plan, round, attempt and participant by the context's `info`, and to its
// index and whether it is the last by its `aad`.
//
// A sender that lost its HPKE context (a new process) goes on with a new header: `start` is the
// first chunk it covers, `continues` the header before it. So no key ever seals two messages under
// one number.
#ifndef SEALFOLD_PROTOCOL_ENVELOPE_ENVELOPE_H_
#define SEALFOLD_PROTOCOL_ENVELOPE_ENVELOPE_H_

#include <optional>

#include "absl/status/statusor.h"
#include "protocol/base/types.h"
#include "protocol/crypto/hpke.h"
#include "protocol/crypto/sign.h"
#include "protocol/envelope/sealed_stream.h"
#include "protocol/plan/plan.h"

namespace sealfold {

struct EnvelopeHeader {
  static constexpr char kType[] = "envelope";
  Digest plan;
  Round round;
  Attempt attempt;
  SigningPublicKey participant;
  Digest recipient;       // SHA-256 of the aggregator's HPKE public key of this round
  uint64_t sequence = 0;  // rises with every header of one participant in one attempt, from 1
  uint64_t start = 0;     // first chunk sealed under this header
  std::optional<Digest> continues;  // digest of the signed header that `start` > 0 goes on from
  uint64_t payload_bytes = 0;
  SealingPublicKey enc;  // HPKE's encapsulated key

  template <class V>
  void Fields(V& v) {
    v("plan", plan);
    v("round", round);
    v("attempt", attempt);
    v("participant", participant);
    v("recipient", recipient);
    v("sequence", sequence);
    v("start", start);
    v("continues", continues);
    v("payload_bytes", payload_bytes);
    v("enc", enc);
  }
};

// Seals one header's worth of chunks, from header.start on.
class EnvelopeSender : public StreamSealer {
 public:
  // `header.enc` is filled in; everything else is the caller's. `ephemeral_seed` is fresh.
  static absl::StatusOr<EnvelopeSender> Make(const Plan& plan, EnvelopeHeader header,
                                             const SealingPublicKey& recipient,
                                             const SealedHead& head, const SigningKey& key,
                                             const Secret& ephemeral_seed);
  const Bytes& signed_header() const { return signed_header_; }
  // SHA-256 of signed_header().
  const Digest& header_digest() const { return header_digest_; }

 private:
  using StreamSealer::StreamSealer;
  Bytes signed_header_;
  Digest header_digest_;
};

// A header whose signature holds.
struct OpenedHeader {
  EnvelopeHeader header;
  Digest digest;  // SHA-256 of the signed bytes
};
// Form and signature, and that the signer is header.participant. InvalidArgument or
// PermissionDenied.
absl::StatusOr<OpenedHeader> OpenEnvelopeHeader(ByteSpan signed_header);

// Opens one header's worth of chunks.
class EnvelopeReceiver : public StreamOpener {
 public:
  // PermissionDenied ("seal_broken") when the head was not sealed to `recipient` under this header.
  static absl::StatusOr<EnvelopeReceiver> Make(const Plan& plan, const EnvelopeHeader& header,
                                               const HpkeKeyPair& recipient, ByteSpan sealed_head);

 private:
  explicit EnvelopeReceiver(StreamOpener stream) : StreamOpener(std::move(stream)) {}
};

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_ENVELOPE_ENVELOPE_H_
