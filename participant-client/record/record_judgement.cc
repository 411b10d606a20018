#include "participant-client/record/record_judgement.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "participant-client/policy/evidence_checks.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"

namespace sealfold {

RecordJudgement JudgeRecord(ByteSpan record_file, const Policy& policy,
                            const std::optional<SigningPublicKey>& participant,
                            ChainCache* chains) {
  RecordJudgement out;
  absl::StatusOr<RecordFile> file = DecodeRecordFile(record_file);
  out.checks.Add("record_format", "a record file", file.status());
  if (!file.ok()) return out;
  absl::StatusOr<CheckedRecord> record = CheckRecordFile(*file);
  out.checks.Add("record", "signed, and in agreement with its plan, binding and log",
                 record.status());
  if (record.ok()) {
    out.checks.Add(CheckPlanAgainstPolicy(record->plan, policy, participant));
    CheckIdentity(record->identity, policy, out.checks);
  }
  out.checks.Add({.name = "platform_named",
                  .expected = policy.evidence.platform,
                  .found = file->platform.substr(0, 64),
                  .passed = file->platform == policy.evidence.platform},
                 "record_platform", "the policy accepts evidence of one platform only");
  CheckEvidence(file->evidence, policy.evidence, file->release,
                {.nonce = ToBytes(Sha256(file->record).span()),
                 .user_data = ToBytes(file->binding.digest().span()),
                 .public_key = std::nullopt,
                 .now_ms = 0,
                 .check_freshness = false},
                chains, out.checks);
  out.file = *std::move(file);
  if (record.ok()) out.record = *std::move(record);
  return out;
}

void CheckChain(const CheckedRecord* previous, const CheckedRecord& next, CheckList& checks) {
  checks.Add("chain_of_rounds",
             previous == nullptr ? "round 1, from the plan's initial model"
                                 : absl::StrCat("round ", previous->record.round.value() + 1,
                                                " after record ", previous->digest.hex()),
             CheckRecordChain(previous, next));
}

std::optional<CheckedRecord> PreviousOf(const Memory& memory, const SignedPlan& plan) {
  if (!memory.seen.has_value()) return std::nullopt;
  CheckedRecord previous{.plan = plan, .record = {}, .digest = memory.seen->record};
  previous.record.round = memory.seen->round;
  previous.record.model = memory.seen->model;
  previous.identity = memory.seen->identity;
  return previous;
}

}  // namespace sealfold
