// How updates come in: headers, chunks, staging, folding. No update leaves a trace in the sum
// unless the whole of it came, passed every check, and was folded once.
//
// Staging. Chunks wait as they were sealed. An upload is given room for all of its own when there
// is some, else it waits in a queue, first come first served, with credit 0 until a progress
// message tells it otherwise. An upload that holds room while others wait loses it when it has not
// moved for StallMs(), or not by a quarter of its chunks: it starts over with a new header, at the
// queue's end. So nobody keeps others waiting for more than four times that, whatever it sends.
// With no one waiting an upload may pause as long as the round lasts.
//
// Folding. Complete uploads are opened, checked and folded in batches (fold_queue.h), and only then
// is it known whether they are what was sealed. One that is not hears it then: with elements out of
// range it is discarded; with a broken seal it goes on from the broken chunk, and from then on
// every chunk of that participant is opened when it comes, so that its uploads are not folded for
// nothing again and again.
//
// Sessions. Answers go to the session that asked. What is sent unasked (room became free, a
// receipt, a late refusal) goes to the session of the upload's last accepted header or chunk. A
// header is signed, and a chunk from another session than its header's is opened before it is
// taken, so no participant can divert or spoil another's upload.
#ifndef SEALFOLD_AGGREGATOR_CORE_INTAKE_INTAKE_H_
#define SEALFOLD_AGGREGATOR_CORE_INTAKE_INTAKE_H_

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
#include "aggregator/core/intake/fold_queue.h"
#include "aggregator/core/intake/header_check.h"
#include "aggregator/core/memory/budget.h"
#include "aggregator/core/memory/sum.h"
#include "protocol/crypto/hash.h"
#include "protocol/record/record.h"

namespace sealfold {

// Headers of one upload, as each keeps what opens its chunks: so many, and one more for each
// kHeaderBytes of its payload.
inline constexpr uint64_t kHeadersMin = 4;
inline constexpr uint64_t kHeaderBytes = 1u << 20;

// One thread, apart from the workers'. `terms`, `keys` and the workers outlive it.
class Intake {
 public:
  // `base_key`: the base model's key if the aggregator still has it, else empty. "memory_short".
  static absl::StatusOr<std::unique_ptr<Intake>> Make(const RoundTerms& terms,
                                                      const RoundKeys& keys, Secret base_key,
                                                      FoldMeans means);
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;
  ~Intake();

  // Each answers to `session`; an error is what to refuse with, and nothing changed but where its
  // code's description says so ("memory_short", "headers_too_many": the upload is discarded). A
  // refused chunk has been answered with a progress too, so that the sender can go on; of several
  // in one message those before it were taken. An upload whose last chunk came is final: whatever
  // comes for it is answered with where it stands.
  absl::Status OnBegin(const Bytes& session, const Begin& begin, ByteSpan sealed_head,
                       uint64_t now_ms, Actions& actions);
  absl::Status OnChunk(const Bytes& session, const Chunk& chunk, ByteSpan sealed, uint64_t now_ms,
                       Actions& actions);
  absl::Status OnQuery(const Bytes& session, const Query& query, uint64_t now_ms, Actions& actions);

  // Folds some of what is complete if it is time, and takes room from stalled uploads for those
  // that wait.
  void OnTick(uint64_t now_ms, Actions& actions);
  // When OnTick has something to do, maybe long ago; none while nothing waits.
  std::optional<uint64_t> next_tick_ms() const;

  // Complete uploads that are not in the sum yet.
  size_t folding() const { return queue_.size(); }
  // From now on folds what is complete at once, or no longer.
  void Hurry(bool hurry) { hurry_ = hurry; }
  // Takes nothing more: what is not complete is discarded, and every begin, chunk and query for it
  // refused with "round_closed"; receipts are still given. What is complete is folded at once, and
  // answered with where it stands until then.
  void Close();
  bool closed() const { return closed_; }

  uint64_t chunks_taken() const { return chunks_taken_; }
  // Updates that were refused when they were folded.
  uint64_t refused() const { return refused_; }
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
  Intake(const RoundTerms& terms, const RoundKeys& keys, Secret base_key, Sum sum, FoldQueue queue);

  absl::Status TakeChunks(uint32_t participant, const Bytes& session, uint64_t index,
                          ByteSpan sealed, uint64_t now_ms);
  absl::Status TakeChunk(uint32_t participant, const Bytes& session, ByteSpan sealed);
  void Commit(uint32_t participant, Actions& actions);
  void RefuseLate(uint32_t participant, const FoldBatch::Fault& fault, uint64_t now_ms,
                  Actions& actions);
  void Discard(uint32_t participant);
  void Fold(uint64_t now_ms, Actions& actions);
  bool NoMoreCompany() const;
  void WaitForRoom(uint32_t participant, uint64_t now_ms);
  void GiveRoom(uint64_t now_ms, Actions& actions);
  void ManageRoom(uint64_t now_ms, Actions& actions);
  uint64_t HeadersMax() const { return kHeadersMin + terms_.layout.size_bytes / kHeaderBytes; }
  uint64_t PaceChunks() const { return (terms_.chunk_count + 3) / 4; }
  void SendProgress(const Bytes& session, uint32_t participant, uint64_t now_ms, Actions& actions);
  void SendReceipt(const Bytes& session, uint32_t participant, Actions& actions) const;
  bool committed(uint32_t participant) const { return receipts_.contains(participant); }
  bool TooLateFor(uint32_t participant) const;
  UploadPosition Position(uint32_t participant) const;

  const RoundTerms& terms_;
  const RoundKeys& keys_;
  const Digest hpke_key_;
  Secret base_key_;
  Sum sum_;
  StagingBudget budget_;
  FoldQueue queue_;
  std::map<uint32_t, std::unique_ptr<Upload>> uploads_;  // by place in the plan
  std::set<uint32_t> taking_;     // uploads that have room and are not complete
  std::set<uint32_t> doubted_;    // participants of which a seal was broken
  std::deque<uint32_t> waiting_;  // uploads that have no room, first come first
  absl::flat_hash_map<uint32_t, uint64_t> sequences_;  // greatest accepted, by place in the plan
  absl::flat_hash_map<uint32_t, uint64_t> receipts_;   // place in the plan -> index in log_
  std::vector<LogEntry> log_;
  uint64_t weight_sum_ = 0;
  uint64_t chunks_taken_ = 0;
  uint64_t refused_ = 0;
  uint64_t changes_ = 0;
  uint64_t last_arrival_ms_ = 0;
  bool hurry_ = false;
  bool closed_ = false;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_INTAKE_INTAKE_H_
