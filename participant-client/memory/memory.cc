#include "participant-client/memory/memory.h"

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

std::string Hex(const std::optional<Digest>& digest) {
  return digest.has_value() ? digest->hex() : "none";
}

void CheckRound(const Memory& memory, Round round, CheckList& checks) {
  Round next = memory.round_next();
  checks.Add({.name = "round",
              .expected = absl::StrCat(next.value()),
              .found = absl::StrCat(round.value()),
              .passed = round == next},
             round < next ? "offer_round_seen" : "offer_round_ahead",
             round < next ? "this round's record was seen: an update never goes to it again"
                          : "fetch and verify the records in between first");
}

void CheckAttempt(const Memory& memory, const Binding& binding, uint64_t attempts_max,
                  CheckList& checks) {
  const auto& entered = memory.entered;
  uint64_t attempt = binding.attempt.value();
  bool same_round = entered.has_value() && entered->round == binding.round;
  uint64_t last = same_round ? entered->attempt.value() : 0;
  std::string expected =
      last < attempts_max ? absl::StrCat(last + 1, " to ", attempts_max)
                          : absl::StrCat("none after ", last, ": the policy allows ", attempts_max);
  std::string code = attempt > attempts_max ? "offer_attempt_limit" : "offer_attempt_old";
  bool passed = attempt > last && attempt <= attempts_max;
  if (same_round && attempt == last && attempt <= attempts_max) {
    expected = absl::StrCat(last, " with the key it had");
    code = "offer_key_changed";
    passed = memory.Resumes(binding);
  }
  checks.Add(
      {.name = "attempt",
       .expected = std::move(expected),
       .found = absl::StrCat(attempt),
       .passed = passed},
      std::move(code),
      "sums over differing sets of participants could be subtracted; this update is not sent "
      "again, wait for the round's record");
}

}  // namespace

bool Memory::Resumes(const Binding& binding) const {
  return entered.has_value() && entered->round == binding.round &&
         entered->attempt == binding.attempt && entered->hpke_key == binding.hpke_key;
}

bool Memory::HasReceipt(Round round) const {
  return entered.has_value() && entered->round == round && entered->receipt.has_value();
}

void CheckAgainstMemory(const Memory& memory, const Plan& plan, const Binding& binding,
                        uint64_t attempts_max, const std::optional<UpdateIdentity>& update,
                        CheckList& checks) {
  CheckRound(memory, binding.round, checks);

  std::optional<Digest> previous;
  Digest base = plan.initial_model;
  if (memory.seen.has_value()) {
    previous = memory.seen->record;
    base = memory.seen->model;
  }
  checks.Add({.name = "previous_record",
              .expected = Hex(previous),
              .found = Hex(binding.previous_record),
              .passed = binding.previous_record == previous},
             "offer_chain_broken",
             "the aggregator was started on another history than the one seen here");
  checks.Add({.name = "base_model",
              .expected = base.hex(),
              .found = binding.base_model.hex(),
              .passed = binding.base_model == base},
             "offer_base_model",
             "the aggregator was started on another model than the one seen here");
  CheckAttempt(memory, binding, attempts_max, checks);

  if (update.has_value() && memory.entered.has_value() && memory.entered->round == binding.round) {
    const UpdateIdentity& before = memory.entered->update;
    checks.Add(
        {.name = "update",
         .expected = absl::StrCat(before.path, ", unchanged, weight ", before.weight.value()),
         .found = before == *update ? "the same"
                                    : absl::StrCat(update->path, ", changed or another weight"),
         .passed = before == *update},
        "offer_update_changed",
        "every attempt of a round sends the same update; submit the file that was submitted first");
  }
}

void CheckReleaseVersion(const Memory& memory, uint64_t matched, CheckList& checks) {
  const uint64_t least = memory.release_version.value_or(1);
  checks.Add(
      {.name = "release",
       .expected = absl::StrCat("version ", least, " or later, or the policy's own values"),
       .found = matched == 0 ? "the policy's own values" : absl::StrCat("version ", matched),
       .passed = matched == 0 || matched >= least},
      "offer_release_old",
      "a later release was accepted before, in this run or another: the host went back to an "
      "older one");
}

absl::Status Remember(const CheckedRecord& record, Memory& memory) {
  std::optional<Digest> previous;
  if (memory.seen.has_value()) previous = memory.seen->record;
  if (record.plan.digest != memory.plan || record.record.round != memory.round_next() ||
      record.record.previous_record != previous) {
    return Refused({.code = "record_rolled_back",
                    .what = "round record",
                    .expected = absl::StrCat("round ", memory.round_next().value(),
                                             " after record ", Hex(previous)),
                    .found = absl::StrCat("round ", record.record.round.value(), " after record ",
                                          Hex(record.record.previous_record)),
                    .advice = "the host shows another history than it did before"});
  }
  memory.seen = SeenRecord{.round = record.record.round,
                           .record = record.digest,
                           .model = record.record.model,
                           .identity = record.identity};
  return absl::OkStatus();
}

}  // namespace sealfold
