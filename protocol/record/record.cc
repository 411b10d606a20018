#include "protocol/record/record.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "protocol/cbor/fields.h"
#include "protocol/cose/sign1.h"
#include "protocol/crypto/hash.h"
#include "protocol/log/merkle.h"

namespace sealfold {
namespace {

constexpr char kReceiptContext[] = "sealfold receipt 1";
constexpr char kRecordContext[] = "sealfold record 1";
constexpr cbor::Limits kSmallLimits = {.size_bytes_max = 4096, .items_max = 64, .depth_max = 2};
constexpr cbor::Limits kFileLimits = {
    .size_bytes_max = kRecordFileBytesMax, .items_max = 2u << 20, .depth_max = 4};

// PermissionDenied unless the two texts are equal.
absl::Status Equal(absl::string_view code, absl::string_view what, const std::string& expected,
                   const std::string& found) {
  if (expected == found) return absl::OkStatus();
  return Refused(
      {.code = std::string(code), .what = std::string(what), .expected = expected, .found = found});
}

std::string HexOrNone(const std::optional<Digest>& digest) {
  return digest.has_value() ? digest->hex() : "none";
}

}  // namespace

absl::Status CheckLogEntries(absl::Span<const LogEntry> entries, const LogScope& scope) {
  std::set<SigningPublicKey> seen;
  for (size_t i = 0; i < entries.size(); ++i) {
    const LogEntry& entry = entries[i];
    const std::string what = absl::StrCat("log entry ", i);
    SEALFOLD_RETURN_IF_ERROR(
        Equal("record_log_plan", what + ": plan", scope.plan_digest.hex(), entry.plan.hex()));
    SEALFOLD_RETURN_IF_ERROR(Equal("record_log_round", what + ": round",
                                   absl::StrCat(scope.round.value()),
                                   absl::StrCat(entry.round.value())));
    SEALFOLD_RETURN_IF_ERROR(Equal("record_log_attempt", what + ": attempt",
                                   absl::StrCat(scope.attempt.value()),
                                   absl::StrCat(entry.attempt.value())));
    SEALFOLD_RETURN_IF_ERROR(
        Equal("record_log_index", what + ": index", absl::StrCat(i), absl::StrCat(entry.index)));
    if (!seen.insert(entry.participant).second) {
      return Refused({.code = "record_log_participant",
                      .what = what + ": participant",
                      .expected = "each once",
                      .found = entry.participant.hex()});
    }
  }
  for (const PlanParticipant& p : scope.plan.participants) seen.erase(p.key);
  if (seen.empty()) return absl::OkStatus();
  return Refused({.code = "record_log_participant",
                  .what = "log of the round",
                  .expected = "participants of the plan",
                  .found = seen.begin()->hex()});
}

Digest LogRoot(absl::Span<const LogEntry> entries) {
  MerkleLog tree;
  for (const LogEntry& entry : entries) tree.Append(LogLeaf(entry));
  return tree.Root();
}

Bytes SignReceipt(const LogEntry& entry, const SigningKey& record_key) {
  return SignSign1(record_key, kReceiptContext, cbor::EncodeFields(entry));
}

absl::StatusOr<LogEntry> OpenReceipt(ByteSpan receipt, const SigningPublicKey& record_key) {
  SEALFOLD_ASSIGN_OR_RETURN(Sign1 opened, OpenSign1(receipt, kReceiptContext));
  SEALFOLD_RETURN_IF_ERROR(
      Equal("receipt_signer", "signer of the receipt", record_key.hex(), opened.signer.hex()));
  return cbor::DecodeFields<LogEntry>(opened.payload, kSmallLimits);
}

Digest LogLeaf(const LogEntry& entry) { return MerkleLeaf(cbor::EncodeFields(entry)); }

Bytes EncodeRecordFile(const RecordFile& file) { return cbor::EncodeFields(file); }

absl::StatusOr<RecordFile> DecodeRecordFile(ByteSpan bytes) {
  return cbor::DecodeFields<RecordFile>(bytes, kFileLimits);
}

Bytes SignRecord(const RoundRecord& record, const SigningKey& record_key) {
  return SignSign1(record_key, kRecordContext, cbor::EncodeFields(record));
}

absl::StatusOr<OpenedRecord> OpenRecord(ByteSpan signed_record) {
  SEALFOLD_ASSIGN_OR_RETURN(Sign1 opened, OpenSign1(signed_record, kRecordContext));
  SEALFOLD_ASSIGN_OR_RETURN(RoundRecord record,
                            cbor::DecodeFields<RoundRecord>(opened.payload, kSmallLimits));
  return OpenedRecord{.record = record, .signer = opened.signer, .digest = Sha256(signed_record)};
}

absl::StatusOr<CheckedRecord> CheckRecordFile(const RecordFile& file) {
  SEALFOLD_ASSIGN_OR_RETURN(SignedPlan plan, OpenPlan(file.plan));
  SEALFOLD_ASSIGN_OR_RETURN(OpenedRecord opened, OpenRecord(file.record));
  const RoundRecord& record = opened.record;
  const Binding& binding = file.binding;
  SEALFOLD_RETURN_IF_ERROR(Equal("record_signer", "signer of the record", binding.record_key.hex(),
                                 opened.signer.hex()));
  SEALFOLD_RETURN_IF_ERROR(Equal("record_protocol", "protocol version",
                                 absl::StrCat(kProtocolVersion), absl::StrCat(binding.protocol)));
  SEALFOLD_RETURN_IF_ERROR(
      Equal("record_plan", "plan of the record", plan.digest.hex(), record.plan.hex()));
  SEALFOLD_RETURN_IF_ERROR(
      Equal("record_plan", "plan of the evidence", plan.digest.hex(), binding.plan.hex()));
  SEALFOLD_RETURN_IF_ERROR(Equal("record_suite", "suite of the evidence",
                                 CborEnumNames(Suite{})[static_cast<size_t>(plan.plan.suite)],
                                 CborEnumNames(Suite{})[static_cast<size_t>(binding.suite)]));
  SEALFOLD_RETURN_IF_ERROR(Equal("record_round", "round of the evidence",
                                 absl::StrCat(record.round.value()),
                                 absl::StrCat(binding.round.value())));
  SEALFOLD_RETURN_IF_ERROR(Equal("record_attempt", "attempt of the evidence",
                                 absl::StrCat(record.attempt.value()),
                                 absl::StrCat(binding.attempt.value())));
  SEALFOLD_RETURN_IF_ERROR(Equal("record_previous", "previous record in the evidence",
                                 HexOrNone(record.previous_record),
                                 HexOrNone(binding.previous_record)));
  SEALFOLD_RETURN_IF_ERROR(Equal("record_base", "base model in the evidence",
                                 record.base_model.hex(), binding.base_model.hex()));
  if (record.round.value() < 1 || record.round.value() > plan.plan.rounds) {
    return Refused({.code = "record_round",
                    .what = "round of the record",
                    .expected = absl::StrCat("1 to ", plan.plan.rounds),
                    .found = absl::StrCat(record.round.value())});
  }
  if (record.attempt.value() < 1 || record.attempt.value() > plan.plan.attempts_max) {
    return Refused({.code = "record_attempt",
                    .what = "attempt of the record",
                    .expected = absl::StrCat("1 to ", plan.plan.attempts_max),
                    .found = absl::StrCat(record.attempt.value())});
  }
  if (record.updates < plan.plan.quorum) {
    return Refused({.code = "record_quorum",
                    .what = "updates in the record",
                    .expected = absl::StrCat("at least the plan's quorum, ", plan.plan.quorum),
                    .found = absl::StrCat(record.updates)});
  }
  if (record.weight_sum < record.updates ||
      record.weight_sum > record.updates * plan.plan.weight_max.value()) {
    return Refused({.code = "record_weight",
                    .what = "sum of weights in the record",
                    .expected = absl::StrCat(record.updates, " to ",
                                             record.updates * plan.plan.weight_max.value()),
                    .found = absl::StrCat(record.weight_sum)});
  }
  const bool sealed = plan.plan.delivery == Delivery::kSealed;
  if (record.model_key_commitment.has_value() != sealed ||
      file.model_keys.size() != (sealed ? plan.plan.participants.size() : 0)) {
    return Refused({.code = "record_delivery",
                    .what = "keys of the model",
                    .expected = sealed ? "a commitment, and one for each participant" : "none",
                    .found = absl::StrCat(file.model_keys.size())});
  }
  SEALFOLD_RETURN_IF_ERROR(CheckLogEntries(file.log, {.plan = plan.plan,
                                                      .plan_digest = record.plan,
                                                      .round = record.round,
                                                      .attempt = record.attempt}));
  SEALFOLD_RETURN_IF_ERROR(Equal("record_log_size", "log of the round: updates",
                                 absl::StrCat(record.updates), absl::StrCat(file.log.size())));
  SEALFOLD_RETURN_IF_ERROR(Equal("record_log_root", "log of the round: root", record.log_root.hex(),
                                 LogRoot(file.log).hex()));
  std::optional<SigningPublicKey> identity;
  if (record.identity.has_value()) {
    SEALFOLD_ASSIGN_OR_RETURN(identity, OpenIdentity(*record.identity, binding));
  }
  return CheckedRecord{
      .plan = std::move(plan), .record = record, .digest = opened.digest, .identity = identity};
}

absl::Status CheckRecordChain(const CheckedRecord* previous, const CheckedRecord& next) {
  const uint64_t round = previous == nullptr ? 1 : previous->record.round.value() + 1;
  SEALFOLD_RETURN_IF_ERROR(Equal("chain_round", "round of the next record", absl::StrCat(round),
                                 absl::StrCat(next.record.round.value())));
  if (previous != nullptr) {
    SEALFOLD_RETURN_IF_ERROR(Equal("chain_plan", "plan of the next record",
                                   previous->plan.digest.hex(), next.plan.digest.hex()));
  }
  SEALFOLD_RETURN_IF_ERROR(Equal("chain_previous", "previous record",
                                 previous == nullptr ? "none" : previous->digest.hex(),
                                 HexOrNone(next.record.previous_record)));
  return Equal(
      "chain_base", "model the round starts from",
      previous == nullptr ? next.plan.plan.initial_model.hex() : previous->record.model.hex(),
      next.record.base_model.hex());
}

absl::StatusOr<std::vector<Digest>> InclusionPath(const RecordFile& file,
                                                  const SigningPublicKey& participant) {
  MerkleLog log;
  std::optional<uint64_t> index;
  for (const LogEntry& entry : file.log) {
    if (entry.participant == participant) index = log.size();
    log.Append(LogLeaf(entry));
  }
  if (!index.has_value()) {
    return Refused({.code = "receipt_absent",
                    .what = "log of the round",
                    .expected = absl::StrCat("an update of ", participant.hex()),
                    .found = "none"});
  }
  return log.InclusionProof(*index, log.size());
}

absl::Status CheckReceiptProof(const ReceiptProof& proof, const CheckedRecord& record,
                               const SigningPublicKey& record_key) {
  SEALFOLD_ASSIGN_OR_RETURN(LogEntry entry, OpenReceipt(proof.receipt, record_key));
  return VerifyInclusion(LogLeaf(entry), entry.index, record.record.updates, proof.path,
                         record.record.log_root);
}

}  // namespace sealfold
