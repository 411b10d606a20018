// What one attempt at a round is held to: fixed before its first message, never changed after.
#ifndef SEALFOLD_AGGREGATOR_CORE_CONTRACT_TERMS_H_
#define SEALFOLD_AGGREGATOR_CORE_CONTRACT_TERMS_H_

#include <cstdint>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "aggregator/core/fold/grid.h"
#include "protocol/message/message.h"
#include "protocol/model/tensor.h"
#include "protocol/plan/plan.h"

namespace sealfold {

struct RoundTerms {
  SignedPlan plan;
  Round round;
  Attempt attempt;
  std::optional<Digest> previous_record;  // SHA-256 of the signed record of round - 1
  Digest base_model;  // SHA-256 of the model file, in the clear, that the round starts from
  // Set when the host stores the base sealed (sealed delivery, after round 1): the commitment to
  // its key.
  std::optional<Digest> base_key_commitment;

  Grid grid;
  PayloadLayout layout;
  uint64_t chunk_count = 0;                                      // of every update
  uint64_t sealed_bytes = 0;                                     // of every update's chunks
  absl::flat_hash_map<SigningPublicKey, uint32_t> participants;  // key -> place in the plan

  // Opens and checks what the host wants started. Whether to trust the plan's signer is the
  // participants' question, not the aggregator's: they see the plan's digest in the evidence.
  // Errors: those of OpenPlan, OpenRecord and Grid::Make; "round_out_of_plan",
  // "attempt_out_of_plan", "previous_record_missing", "previous_record_unexpected",
  // "previous_record_wrong".
  static absl::StatusOr<RoundTerms> Open(const StartRound& start);

  const Plan& contract() const { return plan.plan; }
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_CONTRACT_TERMS_H_
