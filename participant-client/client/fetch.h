// Public files of a run, fetched from the untrusted host and believed only as far as they verify.
// What does not is fetched anew a few times first: the way here may have damaged it.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_CLIENT_FETCH_H_
#define SEALFOLD_PARTICIPANT_CLIENT_CLIENT_FETCH_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "participant-client/net/remote_host.h"
#include "participant-client/policy/policy.h"
#include "participant-client/record/model_file.h"
#include "participant-client/record/record_judgement.h"

namespace sealfold {

// A plan whose signature holds. Whether the policy accepts it is CheckPlanAgainstPolicy's question.
absl::StatusOr<SignedPlan> FetchPlan(RemoteHost& host);

// A record's bytes, with what JudgeRecord says of them.
struct FetchedRecord {
  Bytes bytes;
  RecordJudgement judgement;
};
// OK also where checks failed: the judgement says so. `chains`: as of JudgeRecord.
absl::StatusOr<FetchedRecord> FetchRecord(RemoteHost& host, Round round, const Policy& policy,
                                          const std::optional<SigningPublicKey>& participant,
                                          ChainCache* chains = nullptr);

// The model that round 1 starts from.
absl::Status FetchInitialModel(RemoteHost& host, const SignedPlan& plan, const std::string& path);
// The model of a verified record to `path`. `model_key`: what OpenModelKey gave.
absl::Status FetchModel(RemoteHost& host, const CheckedRecord& record, const Secret& model_key,
                        const std::string& path);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_CLIENT_FETCH_H_
