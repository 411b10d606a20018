// Receipts and the round record: what the aggregator signs, and how anyone checks it offline.
#ifndef SEALFOLD_PROTOCOL_RECORD_RECORD_H_
#define SEALFOLD_PROTOCOL_RECORD_RECORD_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "protocol/base/types.h"
#include "protocol/crypto/sign.h"
#include "protocol/envelope/binding.h"
#include "protocol/envelope/identity.h"
#include "protocol/plan/plan.h"

namespace sealfold {

// A leaf of the round's log: one committed update.
struct LogEntry {
  static constexpr char kType[] = "update";
  Digest plan;
  Round round;
  Attempt attempt;
  SigningPublicKey participant;
  uint64_t index = 0;  // in the log
  Digest header;       // SHA-256 of the last signed envelope header (which names those before it)
  Digest tags;         // SHA-256 of all chunks' AEAD tags in order

  template <class V>
  void Fields(V& v) {
    v("plan", plan);
    v("round", round);
    v("attempt", attempt);
    v("participant", participant);
    v("index", index);
    v("header", header);
    v("tags", tags);
  }
  bool operator==(const LogEntry&) const = default;
};

// A receipt is COSE_Sign1 by the record key over an encoded LogEntry.
Bytes SignReceipt(const LogEntry& entry, const SigningKey& record_key);
// Form and signature by `record_key`.
absl::StatusOr<LogEntry> OpenReceipt(ByteSpan receipt, const SigningPublicKey& record_key);
// The Merkle leaf hash of an entry, and the root of a log with these entries.
Digest LogLeaf(const LogEntry& entry);
Digest LogRoot(absl::Span<const LogEntry> entries);

// What a log is of.
struct LogScope {
  const Plan& plan;
  const Digest& plan_digest;
  Round round;
  Attempt attempt;
};
// Entries of that plan, round and attempt, numbered from 0, each of another of the plan's
// participants. PermissionDenied, codes "record_log_*".
absl::Status CheckLogEntries(absl::Span<const LogEntry> entries, const LogScope& scope);

struct RoundRecord {
  static constexpr char kType[] = "sealfold-record-1";
  Digest plan;
  Round round;
  Attempt attempt;
  std::optional<Digest> previous_record;  // SHA-256 of the previous signed record
  Digest base_model;
  Digest model;          // SHA-256 of the published model file, in the clear
  Digest log_root;       // RFC 9162 over the LogEntries
  uint64_t updates = 0;  // in the log
  uint64_t weight_sum = 0;
  double error_max = 0;  // bound of the absolute error of an element of the mean
  std::optional<Digest>
      model_key_commitment;            // sealed delivery: SHA-256("sealfold model key 1" ‖ key)
  std::optional<Bytes> identity = {};  // of an aggregator that keeps state: OpenIdentity

  template <class V>
  void Fields(V& v) {
    v("plan", plan);
    v("round", round);
    v("attempt", attempt);
    v("previous_record", previous_record);
    v("base_model", base_model);
    v("model", model);
    v("log_root", log_root);
    v("updates", updates);
    v("weight_sum", weight_sum);
    v("error_max", error_max);
    v("model_key_commitment", model_key_commitment);
    v("identity", identity);
  }
  bool operator==(const RoundRecord&) const = default;
};

// The model's key, sealed to one participant (sealed delivery). HPKE base mode to its
// model_key, info "sealfold model key 1" ‖ the record's plan digest ‖ round (8 bytes,
// big-endian), one message, empty aad.
struct WrappedModelKey {
  SigningPublicKey participant;
  SealingPublicKey enc;
  Bytes sealed;  // 32 + 16 bytes

  template <class V>
  void Fields(V& v) {
    v("participant", participant);
    v("enc", enc);
    v("sealed", sealed);
  }
};

// The file that is published beside a model: everything that an offline check needs but the model
// and trust.
struct RecordFile {
  static constexpr char kType[] = "sealfold-record-file-1";
  Bytes plan;    // signed plan
  Bytes record;  // COSE_Sign1 by binding.record_key over RoundRecord
  Binding binding;
  std::string platform;  // of the evidence
  Bytes evidence;        // nonce = SHA-256(record); user_data = binding.digest()
  std::vector<LogEntry> log;
  std::vector<WrappedModelKey> model_keys;  // empty for public delivery
  std::optional<Bytes> release = {};        // as in the offers: message/message.h

  template <class V>
  void Fields(V& v) {
    v("plan", plan);
    v("record", record);
    v("binding", binding);
    v("platform", platform);
    v("evidence", evidence);
    v("log", log);
    v("model_keys", model_keys);
    v("release", release);
  }
};

inline constexpr size_t kRecordFileBytesMax = 64u << 20;

Bytes EncodeRecordFile(const RecordFile& file);
absl::StatusOr<RecordFile> DecodeRecordFile(ByteSpan bytes);

Bytes SignRecord(const RoundRecord& record, const SigningKey& record_key);

// A signed record whose form and signature hold; whether `signer` is the right key is the caller's
// question.
struct OpenedRecord {
  RoundRecord record;
  SigningPublicKey signer;
  Digest digest;  // SHA-256 of the signed bytes
};
absl::StatusOr<OpenedRecord> OpenRecord(ByteSpan signed_record);

// A record file whose inner consistency holds: the plan's signature, the record's signature
// by the key that the binding names, record and binding and plan in agreement, the identity's claim
// to that binding, the log's root, quorum, every logged participant in the plan once. Not checked
// here: evidence (attest/), trust in the coordinator, the model's bytes, the chain to other rounds.
struct CheckedRecord {
  SignedPlan plan;
  RoundRecord record;
  Digest digest;  // SHA-256 of the signed record: what the next round's record names
  // Whose claim in the record holds; none where it has none.
  std::optional<SigningPublicKey> identity = {};
};
// PermissionDenied or InvalidArgument, codes "record_*" and "identity_wrong".
absl::StatusOr<CheckedRecord> CheckRecordFile(const RecordFile& file);

// `next` follows `previous` in one run: plan, round + 1, previous_record, base_model. `previous`
// null: `next` must be round 1 and start from the plan's initial model. Codes "chain_*".
absl::Status CheckRecordChain(const CheckedRecord* previous, const CheckedRecord& next);

// A receipt with its inclusion proof: shows offline that one update is in a record's log.
struct ReceiptProof {
  static constexpr char kType[] = "sealfold-receipt-1";
  Bytes receipt;
  std::vector<Digest>
      path;  // RFC 9162 inclusion proof of the entry's index in record.updates leaves

  template <class V>
  void Fields(V& v) {
    v("receipt", receipt);
    v("path", path);
  }
};
// Makes the proof for `participant` from a checked file's log; NotFound if it has no
// entry ("receipt_absent").
absl::StatusOr<std::vector<Digest>> InclusionPath(const RecordFile& file,
                                                  const SigningPublicKey& participant);
absl::Status CheckReceiptProof(const ReceiptProof& proof, const CheckedRecord& record,
                               const SigningPublicKey& record_key);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_RECORD_RECORD_H_
