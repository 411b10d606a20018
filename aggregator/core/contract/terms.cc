#include "aggregator/core/contract/terms.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/envelope/envelope.h"
#include "protocol/record/record.h"

namespace sealfold {
namespace {

absl::Status PreviousWrong(const std::string& what, const std::string& expected,
                           const std::string& found) {
  return Refused({.code = "previous_record_wrong",
                  .what = absl::StrCat(what, " of the previous record"),
                  .expected = expected,
                  .found = found,
                  .advice = "start the round with the signed record of the round before it"});
}

absl::Status TakePrevious(const Bytes& signed_record, RoundTerms& terms) {
  SEALFOLD_ASSIGN_OR_RETURN(OpenedRecord previous, OpenRecord(signed_record));
  if (previous.record.plan != terms.plan.digest) {
    return PreviousWrong("plan", terms.plan.digest.hex(), previous.record.plan.hex());
  }
  if (previous.record.round.next() != terms.round) {
    return PreviousWrong("round", absl::StrCat(terms.round.value() - 1),
                         absl::StrCat(previous.record.round.value()));
  }
  const bool sealed = terms.contract().delivery == Delivery::kSealed;
  if (previous.record.model_key_commitment.has_value() != sealed) {
    return PreviousWrong("commitment to a model key", sealed ? "one" : "none",
                         sealed ? "none" : "one");
  }
  terms.previous_record = previous.digest;
  terms.base_model = previous.record.model;
  terms.base_key_commitment = previous.record.model_key_commitment;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<RoundTerms> RoundTerms::Open(const StartRound& start) {
  RoundTerms terms;
  SEALFOLD_ASSIGN_OR_RETURN(terms.plan, OpenPlan(start.plan));
  const Plan& plan = terms.contract();
  if (start.round.value() < 1 || start.round.value() > plan.rounds) {
    return Refused({.code = "round_out_of_plan",
                    .what = "round to start",
                    .expected = absl::StrCat("1 to ", plan.rounds),
                    .found = absl::StrCat(start.round.value())});
  }
  if (start.attempt.value() < 1 || start.attempt.value() > plan.attempts_max) {
    return Refused({.code = "attempt_out_of_plan",
                    .what = "attempt to start",
                    .expected = absl::StrCat("1 to ", plan.attempts_max),
                    .found = absl::StrCat(start.attempt.value()),
                    .advice = "a round that failed so often cannot be repeated under this plan"});
  }
  terms.round = start.round;
  terms.attempt = start.attempt;
  if (start.round == Round(1)) {
    if (start.previous.has_value()) {
      return Refused({.code = "previous_record_unexpected",
                      .what = "previous record of round 1",
                      .expected = "none",
                      .found = "one"});
    }
    terms.base_model = plan.initial_model;
  } else {
    if (!start.previous.has_value()) {
      return Refused({.code = "previous_record_missing",
                      .what = absl::StrCat("previous record of round ", start.round.value()),
                      .expected = "the signed record of the round before it",
                      .found = "none"});
    }
    SEALFOLD_RETURN_IF_ERROR(TakePrevious(*start.previous, terms));
  }
  SEALFOLD_ASSIGN_OR_RETURN(terms.grid, Grid::Make(plan.range, plan.weight_max));
  terms.layout = plan.payload_layout();
  terms.chunk_count = ChunkCount(terms.layout.size_bytes, plan.chunk_bytes);
  terms.sealed_bytes = SealedUpdateBytes(plan);
  for (const PlanParticipant& participant : plan.participants) {
    terms.participants.emplace(participant.key, static_cast<uint32_t>(terms.participants.size()));
  }
  SEALFOLD_CHECK(terms.participants.size() == plan.participants.size());
  return terms;
}

}  // namespace sealfold
