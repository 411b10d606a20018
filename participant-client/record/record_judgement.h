// Judging a published round by its record file: offline, a pure function of bytes and policy.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_RECORD_RECORD_JUDGEMENT_H_
#define SEALFOLD_PARTICIPANT_CLIENT_RECORD_RECORD_JUDGEMENT_H_

#include <optional>

#include "participant-client/memory/memory.h"
#include "participant-client/policy/check_list.h"
#include "participant-client/policy/policy.h"
#include "protocol/record/record.h"

namespace sealfold {

struct RecordJudgement {
  CheckList checks;
  std::optional<RecordFile> file;       // where its form holds
  std::optional<CheckedRecord> record;  // where its inner consistency holds
};

// Checks "record_format", "record" (CheckRecordFile), the plan against the policy, "identity",
// "platform_named", and the evidence's: made for exactly this record and binding, by a program that
// the policy accepts. The evidence's age does not matter; its certificates must have been valid at
// its own time. `chains`: what is known of certificates, if anything is kept.
RecordJudgement JudgeRecord(ByteSpan record_file, const Policy& policy,
                            const std::optional<SigningPublicKey>& participant,
                            ChainCache* chains = nullptr);

// Adds the check "chain_of_rounds": `next` follows `previous`; null: `next` begins the run.
void CheckChain(const CheckedRecord* previous, const CheckedRecord& next, CheckList& checks);

// The record that `memory` saw last, as CheckRecordChain takes it; none before the first.
std::optional<CheckedRecord> PreviousOf(const Memory& memory, const SignedPlan& plan);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_RECORD_RECORD_JUDGEMENT_H_
