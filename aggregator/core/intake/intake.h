// How updates come in: headers, chunks, staging, commit. No update leaves a trace in the sum unless
// the whole of it came, passed every check, and was folded once.
//
// Staging. An upload is given room for its whole payload when there is some, else it waits in a
// queue, first come first served, with credit 0 until a progress message tells it otherwise. An
// upload that holds room while others wait and has not moved for StallMs() loses it: what it staged
// is wiped, and it starts over with a new header, at the queue's end. With no one waiting an upload
// may pause as long as the round lasts.
//
// Sessions. Answers go to the session that asked. What is sent unasked (room became free) goes to
// the session of the upload's last accepted header or chunk; both are authenticated, so another
// participant cannot divert it.
#ifndef SEALFOLD_AGGREGATOR_CORE_INTAKE_INTAKE_H_
#define SEALFOLD_AGGREGATOR_CORE_INTAKE_INTAKE_H_

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregator/core/contract/action.h"
#include "aggregator/core/contract/keys.h"
#include "aggregator/core/contract/terms.h"
#include "aggregator/core/intake/header_check.h"
#include "aggregator/core/memory/staged.h"
#include "aggregator/core/memory/sum.h"
#include "protocol/crypto/hash.h"
#include "protocol/record/record.h"

namespace sealfold {

// What a sender may have under way: so many bytes of chunks, but no more messages than that; at
// least one.
inline constexpr uint64_t kCreditBytes = 4u << 20;
inline constexpr uint64_t kCreditChunksMax = 128;

// One thread. `terms` and `keys` outlive it.
class Intake {
 public:
  // `base_key`: the base model's key if the aggregator still has it, else empty. "memory_short".
  static absl::StatusOr<std::unique_ptr<Intake>> Make(const RoundTerms& terms,
                                                      const RoundKeys& keys, Secret base_key);
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;
  ~Intake();

  // Each answers to `session`; an error is what to refuse with, and nothing changed but where its
  // code's description says so ("out_of_range", "padding_not_zero", "memory_short": the upload is
  // discarded). A refused chunk has been answered with a progress too, so that the sender can go
  // on.
  absl::Status OnBegin(const Bytes& session, const Begin& begin, ByteSpan sealed_head,
                       uint64_t now_ms, Actions& actions);
  absl::Status OnChunk(const Bytes& session, const Chunk& chunk, ByteSpan sealed, uint64_t now_ms,
                       Actions& actions);
  absl::Status OnQuery(const Bytes& session, const Query& query, Actions& actions);

  // Takes room from stalled uploads for those that wait.
  void OnTick(uint64_t now_ms, Actions& actions);
  // When OnTick has something to do; none while nothing waits.
  std::optional<uint64_t> next_tick_ms() const;

  // Ends intake: the set of updates is final, and what is staged is wiped. Afterwards every begin
  // and chunk is refused with "round_closed"; receipts are still given.
  void Close();

  uint64_t chunks_opened() const { return chunks_opened_; }
  uint64_t staged_bytes() const { return budget_.taken_bytes(); }
  // Rises with everything that is worth showing: commits, starts, discards, and now and then a
  // chunk.
  uint64_t changes() const { return changes_; }
  const std::vector<LogEntry>& log() const { return log_; }
  uint64_t weight_sum() const { return weight_sum_; }
  bool complete() const { return log_.size() == terms_.participants.size(); }
  const Sum& sum() const { return sum_; }
  void ReleaseSum() { sum_.Release(); }
  const Secret& base_key() const { return base_key_; }
  uint64_t StallMs() const;

 private:
  struct Upload;
  Intake(const RoundTerms& terms, const RoundKeys& keys, Secret base_key, Sum sum);

  absl::Status TakeChunk(uint32_t participant, const Bytes& session, uint64_t index,
                         ByteSpan sealed, uint64_t now_ms);
  void Commit(uint32_t participant, Actions& actions);
  void Discard(uint32_t participant);  // requires: it holds room
  void GiveRoom(uint64_t now_ms, Actions& actions);
  uint64_t CreditChunks() const {
    return std::min(kCreditBytes / terms_.contract().chunk_bytes, kCreditChunksMax);
  }
  void SendProgress(const Bytes& session, uint32_t participant, Actions& actions);
  void SendReceipt(const Bytes& session, uint32_t participant, Actions& actions) const;
  bool committed(uint32_t participant) const { return receipts_.contains(participant); }
  UploadPosition Position(uint32_t participant) const;

  const RoundTerms& terms_;
  const RoundKeys& keys_;
  const Digest hpke_key_;
  Secret base_key_;
  Sum sum_;
  StagingBudget budget_;
  Secret scratch_;                                       // one opened chunk
  std::map<uint32_t, std::unique_ptr<Upload>> uploads_;  // by place in the plan
  std::set<uint32_t> holding_;                           // uploads that have room
  std::deque<uint32_t> waiting_;                         // uploads that have none, first come first
  absl::flat_hash_map<uint32_t, uint64_t> sequences_;    // greatest accepted, by place in the plan
  absl::flat_hash_map<uint32_t, uint64_t> receipts_;     // place in the plan -> index in log_
  std::vector<LogEntry> log_;
  uint64_t weight_sum_ = 0;
  uint64_t chunks_opened_ = 0;
  uint64_t changes_ = 0;
  bool closed_ = false;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_INTAKE_INTAKE_H_
