#include "participant-client/client/fetch.h"

#include <utility>

namespace sealfold {
namespace {

constexpr uint64_t kPlanBytesMax = 33u << 20;

absl::Status StatusOf(const absl::Status& status) { return status; }
absl::Status StatusOf(const absl::StatusOr<SignedPlan>& plan) { return plan.status(); }
absl::Status StatusOf(const absl::StatusOr<FetchedRecord>& record) {
  return record.ok() ? record->judgement.checks.status() : record.status();
}

// What does not verify may have been damaged on the way: it is fetched this often before it is
// taken for the host's own.
constexpr int kFetchesMax = 8;

// `fetch` again while it fails by what came, not by nothing coming.
template <class Fetch>
auto FetchUntilWhole(const Fetch& fetch) {
  auto result = fetch();
  for (int i = 1; i < kFetchesMax; ++i) {
    const absl::Status status = StatusOf(result);
    if (status.ok() || absl::IsUnavailable(status)) break;
    result = fetch();
  }
  return result;
}

absl::Status FetchTo(RemoteHost& host, uint64_t round, const SignedPlan& plan, const Digest& digest,
                     std::optional<SealedModel> sealed, const std::string& path) {
  const uint64_t stream_bytes = ModelStreamBytes(plan.plan, sealed.has_value());
  SEALFOLD_ASSIGN_OR_RETURN(
      ModelFileWriter writer,
      ModelFileWriter::Open(path, digest, ModelFileSizeBytes(plan.plan.tensors),
                            std::move(sealed)));
  SEALFOLD_RETURN_IF_ERROR(host.Fetch(FileKind::kModel, round, stream_bytes,
                                      [&writer](ByteSpan part) { return writer.Append(part); }));
  return writer.Finish();
}

}  // namespace

absl::StatusOr<SignedPlan> FetchPlan(RemoteHost& host) {
  return FetchUntilWhole([&]() -> absl::StatusOr<SignedPlan> {
    SEALFOLD_ASSIGN_OR_RETURN(Bytes bytes, host.FetchBytes(FileKind::kPlan, 0, kPlanBytesMax));
    return OpenPlan(bytes);
  });
}

absl::StatusOr<FetchedRecord> FetchRecord(RemoteHost& host, Round round, const Policy& policy,
                                          const std::optional<SigningPublicKey>& participant,
                                          ChainCache* chains) {
  return FetchUntilWhole([&]() -> absl::StatusOr<FetchedRecord> {
    SEALFOLD_ASSIGN_OR_RETURN(
        Bytes bytes, host.FetchBytes(FileKind::kRecord, round.value(), kRecordFileBytesMax));
    RecordJudgement judgement = JudgeRecord(bytes, policy, participant, chains);
    return FetchedRecord{.bytes = std::move(bytes), .judgement = std::move(judgement)};
  });
}

absl::Status FetchInitialModel(RemoteHost& host, const SignedPlan& plan, const std::string& path) {
  return FetchUntilWhole(
      [&] { return FetchTo(host, 0, plan, plan.plan.initial_model, std::nullopt, path); });
}

absl::Status FetchModel(RemoteHost& host, const CheckedRecord& record, const Secret& model_key,
                        const std::string& path) {
  return FetchUntilWhole([&] {
    std::optional<SealedModel> sealed;
    if (!model_key.empty()) {
      sealed.emplace(record.plan, record.record.round, model_key.span(),
                     ModelFileSizeBytes(record.plan.plan.tensors));
    }
    return FetchTo(host, record.record.round.value(), record.plan, record.record.model,
                   std::move(sealed), path);
  });
}

}  // namespace sealfold
