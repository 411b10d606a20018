// Whether a signed envelope header belongs to this attempt. Each violation has a name of its own.
#ifndef SEALFOLD_AGGREGATOR_CORE_INTAKE_HEADER_CHECK_H_
#define SEALFOLD_AGGREGATOR_CORE_INTAKE_HEADER_CHECK_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "aggregator/core/contract/terms.h"
#include "protocol/envelope/envelope.h"

namespace sealfold {

// "wrong_plan", "wrong_round", "wrong_attempt", "unknown_participant" in this order; the
// participant's place in the plan.
absl::StatusOr<uint32_t> CheckAddressee(const RoundTerms& terms, const EnvelopeHeader& header);

// Where a participant's upload stands, for CheckSequence.
struct UploadPosition {
  uint64_t sequence_max = 0;     // greatest accepted so far in this attempt
  std::optional<Digest> header;  // in force; none: nothing is under way
  uint64_t next = 0;             // chunk
};

// "wrong_recipient_key", "payload_bytes_wrong", "header_replayed", "start_wrong".
absl::Status CheckUpload(const RoundTerms& terms, const Digest& hpke_key,
                         const EnvelopeHeader& header, const UploadPosition& position);

// "weight_out_of_bounds"; "model_key_wrong" for a key that is not the one `terms` commit to, or
// where none belongs; "model_key_missing" if `key_needed` and there is none.
absl::Status CheckHead(const RoundTerms& terms, const SealedHead& head, bool key_needed);

// "unknown_participant".
absl::StatusOr<uint32_t> FindParticipant(const RoundTerms& terms, const SigningPublicKey& key);
// "wrong_plan".
absl::Status CheckPlanDigest(const RoundTerms& terms, const Digest& plan);

// "round_closed": what comes too late is told.
absl::Status RoundClosed();

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_INTAKE_HEADER_CHECK_H_
