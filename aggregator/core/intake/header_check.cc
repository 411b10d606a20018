#include "aggregator/core/intake/header_check.h"

#include <optional>
#include <string>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/envelope/sealed_model.h"

namespace sealfold {
namespace {

absl::Status Mismatch(const std::string& code, const std::string& what, const std::string& expected,
                      const std::string& found, const std::string& advice = "") {
  return Refused(
      {.code = code, .what = what, .expected = expected, .found = found, .advice = advice});
}

constexpr char kSayHello[] =
    "say hello again and seal the update to the key that the evidence names";

}  // namespace

absl::Status RoundClosed() {
  return Refused({.code = "round_closed",
                  .what = "round",
                  .expected = "a round that still takes updates",
                  .found = "its set of updates is final",
                  .advice = "wait for the round's record"});
}

absl::Status CheckPlanDigest(const RoundTerms& terms, const Digest& plan) {
  if (plan == terms.plan.digest) return absl::OkStatus();
  return Mismatch("wrong_plan", "plan of the message", terms.plan.digest.hex(), plan.hex(),
                  "fetch the plan of the run that is under way");
}

absl::StatusOr<uint32_t> FindParticipant(const RoundTerms& terms, const SigningPublicKey& key) {
  const auto it = terms.participants.find(key);
  if (it != terms.participants.end()) return it->second;
  return Mismatch("unknown_participant", "participant", "a key that the plan lists", key.hex(),
                  "ask the coordinator for a plan with this participant");
}

absl::StatusOr<uint32_t> CheckAddressee(const RoundTerms& terms, const EnvelopeHeader& header) {
  SEALFOLD_RETURN_IF_ERROR(CheckPlanDigest(terms, header.plan));
  if (header.round != terms.round) {
    return Mismatch("wrong_round", "round of the envelope", absl::StrCat(terms.round.value()),
                    absl::StrCat(header.round.value()), kSayHello);
  }
  if (header.attempt != terms.attempt) {
    return Mismatch("wrong_attempt", "attempt of the envelope", absl::StrCat(terms.attempt.value()),
                    absl::StrCat(header.attempt.value()), kSayHello);
  }
  return FindParticipant(terms, header.participant);
}

absl::Status CheckUpload(const RoundTerms& terms, const Digest& hpke_key,
                         const EnvelopeHeader& header, const UploadPosition& position) {
  if (header.recipient != hpke_key) {
    return Mismatch("wrong_recipient_key", "key the envelope is sealed to", hpke_key.hex(),
                    header.recipient.hex(), kSayHello);
  }
  if (header.payload_bytes != terms.layout.size_bytes) {
    return Mismatch("payload_bytes_wrong", "size of the update",
                    absl::StrCat(terms.layout.size_bytes, " bytes"),
                    absl::StrCat(header.payload_bytes, " bytes"),
                    "the update must have the plan's tensors, in its order, dtypes and shapes");
  }
  if (header.sequence <= position.sequence_max) {
    return Mismatch("header_replayed", "sequence of the envelope header",
                    absl::StrCat("greater than ", position.sequence_max),
                    absl::StrCat(header.sequence), "make a new header");
  }
  if (header.start == 0 && !header.continues.has_value()) return absl::OkStatus();
  // A restart names nothing that it continues; a continuation names exactly what is in force.
  if (header.start == 0 || header.start != position.next || !position.header.has_value() ||
      header.continues != position.header) {
    return Mismatch(
        "start_wrong", "first chunk of the envelope",
        position.header.has_value() && position.next > 0
            ? absl::StrCat("0, or ", position.next, " continuing header ", position.header->hex())
            : "0, continuing nothing",
        absl::StrCat(header.start, " continuing ",
                     header.continues.has_value() ? absl::StrCat("header ", header.continues->hex())
                                                  : "nothing"),
        "query where the upload stands");
  }
  return absl::OkStatus();
}

absl::Status CheckHead(const RoundTerms& terms, const SealedHead& head, bool key_needed) {
  const uint64_t weight_max = terms.grid.weight_max().value();
  // The weight found stays unsaid: it is sealed.
  if (head.weight.value() < 1 || head.weight.value() > weight_max) {
    return Mismatch("weight_out_of_bounds", "weight of the update",
                    absl::StrCat("1 to ", weight_max), "another", "");
  }
  if (head.model_key.empty()) {
    if (!key_needed) return absl::OkStatus();
    return Mismatch("model_key_missing", "key of the model that the round starts from",
                    terms.base_key_commitment->hex(), "none",
                    "send the key along: this aggregator was restarted and does not have it");
  }
  if (!terms.base_key_commitment.has_value() ||
      ModelKeyCommitment(head.model_key.span()) != *terms.base_key_commitment) {
    return Mismatch("model_key_wrong", "key of the model that the round starts from",
                    terms.base_key_commitment.has_value()
                        ? absl::StrCat("the key that the previous record commits to, ",
                                       terms.base_key_commitment->hex())
                        : "none",
                    "another", "");
  }
  return absl::OkStatus();
}

}  // namespace sealfold
