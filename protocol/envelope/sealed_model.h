// A model file under one key: what sealed delivery publishes (docs/PROTOCOL.md, "Sealed models").
//
// The canonical model file is cut into chunks of the plan's chunk_bytes, sealed by the plan's AEAD
// (sealed_chunks.h) and bound to plan digest ‖ round (8 bytes, big-endian).
#ifndef SEALFOLD_PROTOCOL_ENVELOPE_SEALED_MODEL_H_
#define SEALFOLD_PROTOCOL_ENVELOPE_SEALED_MODEL_H_

#include "absl/status/statusor.h"
#include "protocol/base/secret.h"
#include "protocol/base/types.h"
#include "protocol/crypto/hpke.h"
#include "protocol/envelope/sealed_chunks.h"
#include "protocol/plan/plan.h"
#include "protocol/record/record.h"

namespace sealfold {

inline constexpr size_t kModelKeySize = 32;

// SHA-256("sealfold model key 1" ‖ key): in the record, so that a key can be recognised.
Digest ModelKeyCommitment(ByteSpan model_key);

// Size of the sealed file of a model file of `model_bytes`.
uint64_t SealedModelSizeBytes(uint64_t model_bytes, uint64_t chunk_bytes);

// The chunks of one model file.
class SealedModel : public SealedChunks {
 public:
  // Requires: model_key.size() == kModelKeySize, model_bytes > 0.
  SealedModel(const SignedPlan& plan, Round round, ByteSpan model_key, uint64_t model_bytes);
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
