// A model file under one key: what sealed delivery publishes (docs/PROTOCOL.md, "Sealed models").
//
// The canonical model file is cut into chunks of the plan's chunk_bytes; chunk i is sealed by the
// plan's AEAD with nonce = 4 zero bytes ‖ i (8 bytes, big-endian) and aad = plan digest ‖ round (8
// bytes, big-endian) ‖ 1 for the last chunk, else 0. The sealed file is the chunks one after the
// other. The key is drawn for one file.
#ifndef SEALFOLD_PROTOCOL_ENVELOPE_SEALED_MODEL_H_
#define SEALFOLD_PROTOCOL_ENVELOPE_SEALED_MODEL_H_

#include "absl/status/statusor.h"
#include "protocol/base/secret.h"
#include "protocol/base/types.h"
#include "protocol/crypto/hpke.h"
#include "protocol/plan/plan.h"
#include "protocol/record/record.h"

namespace sealfold {

inline constexpr size_t kModelKeySize = 32;

// SHA-256("sealfold model key 1" ‖ key): in the record, so that a key can be recognised.
Digest ModelKeyCommitment(ByteSpan model_key);

// Size of the sealed file of a model file of `model_bytes`.
uint64_t SealedModelSizeBytes(uint64_t model_bytes, uint64_t chunk_bytes);

// Seals or opens the chunks of one file, in any order; each index is sealed once.
class SealedModel {
 public:
  // Requires: model_key.size() == kModelKeySize, model_bytes > 0.
  SealedModel(const SignedPlan& plan, Round round, ByteSpan model_key, uint64_t model_bytes);
  uint64_t chunk_count() const { return chunk_count_; }
  // Plaintext bytes of chunk `index`; its sealed form has kAeadTagSize more.
  uint64_t chunk_size_bytes(uint64_t index) const;
  void SealChunk(uint64_t index, ByteSpan plaintext, MutableByteSpan out) const;
  // PermissionDenied ("seal_broken").
  absl::Status OpenChunk(uint64_t index, ByteSpan sealed, MutableByteSpan out) const;

 private:
  Bytes Aad(uint64_t index) const;
  Digest plan_digest_;
  Round round_;
  Aead aead_;
  uint64_t model_bytes_;
  uint64_t chunk_bytes_;
  uint64_t chunk_count_;
};

// The key sealed to one participant, and back. `ephemeral_seed` is fresh for each.
absl::StatusOr<WrappedModelKey> WrapModelKey(const SignedPlan& plan, Round round,
                                             const PlanParticipant& participant, ByteSpan model_key,
                                             const Secret& ephemeral_seed);
absl::StatusOr<Secret> UnwrapModelKey(const SignedPlan& plan, Round round,
                                      const WrappedModelKey& wrapped,
                                      const HpkeKeyPair& model_key_pair);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_ENVELOPE_SEALED_MODEL_H_
