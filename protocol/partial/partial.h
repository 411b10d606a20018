// A partial sum: what a leaf aggregator hands to a root instead of publishing a model
// (docs/PROTOCOL.md, "Partial sums").
//
// The leaf signs a header with its round's record key; the sum of its updates goes in sealed chunks
// to the root's round key, the total weight in the sealed head, the log of its updates beside them
// in the clear, as its root in the header commits to it. Each message is bound to the header, its
// number and whether it is the last. A header seals everything once: there is no going on under
// another one.
#ifndef SEALFOLD_PROTOCOL_PARTIAL_PARTIAL_H_
#define SEALFOLD_PROTOCOL_PARTIAL_PARTIAL_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "protocol/base/types.h"
#include "protocol/crypto/hpke.h"
#include "protocol/crypto/sign.h"
#include "protocol/envelope/sealed_stream.h"
#include "protocol/plan/plan.h"
#include "protocol/record/record.h"

namespace sealfold {

struct PartialHeader {
  static constexpr char kType[] = "partial";
  Digest plan;
  Round round;
  Attempt attempt;
  Digest leaf;             // SHA-256 of the leaf's binding: the user_data of its evidence
  Digest recipient;        // SHA-256 of the root's HPKE public key of this round
  Digest log_root;         // RFC 9162 over the leaf's log
  uint64_t updates = 0;    // in the log and in the sum
  uint64_t sum_bytes = 0;  // of the sum as it is sealed
  double step = 0;         // of the grid that the sum counts in: 2^(e - 47)
  SealingPublicKey enc;    // HPKE's encapsulated key

  template <class V>
  void Fields(V& v) {
    v("plan", plan);
    v("round", round);
    v("attempt", attempt);
    v("leaf", leaf);
    v("recipient", recipient);
    v("log_root", log_root);
    v("updates", updates);
    v("sum_bytes", sum_bytes);
    v("step", step);
    v("enc", enc);
  }
};

// The log of a leaf's updates, numbered from 0.
struct PartialLog {
  static constexpr char kType[] = "partial-log";
  std::vector<LogEntry> entries;

  template <class V>
  void Fields(V& v) {
    v("entries", entries);
  }
};
Bytes EncodePartialLog(absl::Span<const LogEntry> entries);
// Form only; at most 65535 entries.
absl::StatusOr<std::vector<LogEntry>> DecodePartialLog(ByteSpan bytes);

// Seals one partial sum.
class PartialSealer : public StreamSealer {
 public:
  // `header.recipient` and `header.enc` are filled in. `head`: the weight of all updates, and the
  // base model's key where the leaf was given one. `ephemeral_seed` is fresh. "sealing_key_weak".
  static absl::StatusOr<PartialSealer> Make(const Plan& plan, PartialHeader header,
                                            const SealingPublicKey& root, const SealedHead& head,
                                            const SigningKey& record_key,
                                            const Secret& ephemeral_seed);
  const Bytes& signed_header() const { return signed_header_; }

 private:
  using StreamSealer::StreamSealer;
  Bytes signed_header_;
};

// A header whose form and signature hold; whether `signer` is the leaf's record key is the caller's
// question.
struct OpenedPartialHeader {
  PartialHeader header;
  SigningPublicKey signer;
};
absl::StatusOr<OpenedPartialHeader> OpenPartialHeader(ByteSpan signed_header);

// Opens one partial sum.
class PartialOpener : public StreamOpener {
 public:
  // "seal_broken" when the head was not sealed to `root` under this header, "head_length",
  // "sealing_key_weak". Requires: header.sum_bytes > 0.
  static absl::StatusOr<PartialOpener> Make(const Plan& plan, const PartialHeader& header,
                                            const HpkeKeyPair& root, ByteSpan sealed_head);

 private:
  explicit PartialOpener(StreamOpener stream) : StreamOpener(std::move(stream)) {}
};

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_PARTIAL_PARTIAL_H_
