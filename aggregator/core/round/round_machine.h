// One attempt at a round, from its start to its record: a pure state machine. It opens no file or
// socket, reads no clock and draws no randomness: time, randomness, evidence and the base model
// come in as arguments, and what it wants done comes out as Actions. So any run can be replayed.
//
//   taking updates --all committed, deadline with quorum, or close--> publishing --> attesting -->
//   over
//         |                                                              |
//         +--------- deadline without quorum: over, nothing published ---+-- model cannot be: over
//
// At a deadline or close, what is complete is folded first; then it is seen whether there is
// quorum.
//
// Once publishing begins the set of updates is final. A base model that is not the right one, or
// evidence that cannot be had, does not change it: the machine stays where it is until the host
// closes the round again.
//
// Time. `now_ms` is any clock that mostly rises; one that goes back is taken to stand still. A
// lying clock may end the round early or late, or take room from a slow upload; no more.
#ifndef SEALFOLD_AGGREGATOR_CORE_ROUND_ROUND_MACHINE_H_
#define SEALFOLD_AGGREGATOR_CORE_ROUND_ROUND_MACHINE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "aggregator/core/batch/workers.h"
#include "aggregator/core/contract/action.h"
#include "aggregator/core/contract/keys.h"
#include "aggregator/core/contract/terms.h"
#include "aggregator/core/hello/hello_batches.h"
#include "aggregator/core/intake/intake.h"
#include "aggregator/core/publish/publisher.h"
#include "protocol/envelope/binding.h"

namespace sealfold {

struct RoundSetup {
  Secret seed;      // kRoundSeedSize bytes, drawn for this attempt alone
  Secret base_key;  // sealed delivery: the last round's model key if it is still known, else empty
  std::string platform;                // whose evidence this is
  uint64_t token_first = 1;            // evidence is asked for under tokens from here on
  std::optional<FoldMeans> fold = {};  // its workers outlive the round; none: who calls folds
  // Of an aggregator that keeps state: signs what this attempt's evidence binds, at once.
  const SigningKey* identity = nullptr;
  std::optional<Bytes> release = {};  // what the host says it is of: for offers and record
};

// One thread.
class RoundMachine {
 public:
  // Errors: those of RoundTerms::Open, "memory_short", "sealing_key_weak" (a participant's model
  // key). Then there is no action.
  static absl::StatusOr<std::unique_ptr<RoundMachine>> Start(const StartRound& start,
                                                             RoundSetup setup, uint64_t now_ms,
                                                             Actions& actions);
  RoundMachine(const RoundMachine&) = delete;
  RoundMachine& operator=(const RoundMachine&) = delete;
  ~RoundMachine();

  // A participant's hello, begin, chunk or query. Whatever is wrong with it is answered with
  // `refused`.
  void OnMessage(const Bytes& session, const Message& message, uint64_t now_ms, Actions& actions);
  // The host's messages. Errors are answered with `refused` to the host.
  void OnClose(uint64_t now_ms, Actions& actions);
  void OnBase(uint64_t offset, ByteSpan bytes, uint64_t now_ms, Actions& actions);
  // Tells the host everything again. A host that asks while the round is published has lost its
  // connection: publishing starts over from the base model's first byte.
  void OnInspect(uint64_t now_ms, Actions& actions);
  // The answer to AskEvidence. Unknown tokens are ignored.
  void OnEvidence(uint64_t token, absl::StatusOr<Bytes> evidence, uint64_t now_ms,
                  Actions& actions);
  // Due by next_tick_ms() even if nothing else happens: while updates are being folded, or hellos
  // are still to be answered from one document, that is at once, and each tick takes a few
  // milliseconds.
  void OnTick(uint64_t now_ms, Actions& actions);
  uint64_t next_tick_ms() const;
  // Complete updates that are not in the sum yet.
  size_t folding() const { return phase_ == Phase::kTaking ? intake_->folding() : 0; }

  const RoundTerms& terms() const { return terms_; }
  // Finished or failed: every key and the sum are erased, and nothing more may be fed in.
  bool over() const { return phase_ == Phase::kOver; }
  // SHA-256 of the signed record; none unless finished.
  const std::optional<Digest>& record_digest() const { return record_digest_; }
  // The new model's key (sealed delivery, finished), for the next round's setup; else empty. Once.
  Secret TakeModelKey() { return std::move(model_key_); }
  uint64_t token_next() const { return token_next_; }
  // The running sum's fingerprint, for tests of what leaves no trace; while updates are being
  // folded the sum has parts of them. Requires: !over().
  Digest SumFingerprint() const { return intake_->sum().Fingerprint(); }

 private:
  enum class Phase { kTaking, kPublishing, kAttesting, kOver };

  RoundMachine(RoundTerms terms, RoundSetup setup, uint64_t now_ms);
  void Advance(uint64_t now_ms) { now_ms_ = std::max(now_ms_, now_ms); }
  absl::Status Dispatch(const Bytes& session, const Message& message, Actions& actions);
  absl::Status OnHello(const Bytes& session, const Hello& hello, Actions& actions);
  void AskForHellos(Actions& actions);
  void AnswerHellos(Actions& actions);
  void Refuse(const Bytes& session, const absl::Status& status, Actions& actions);
  void Settle(Actions& actions);  // after every event: ends intake if it is time, and reports
  bool late() const { return now_ms_ - start_ms_ >= terms_.contract().deadline_seconds * 1000; }
  void RefuseQuorum(Actions& actions);
  void ReportState(bool all, Actions& actions);
  void Publish(Actions& actions);
  void Attest(Actions& actions);
  void Finish(Bytes evidence, Actions& actions);
  void Fail(const absl::Status& status, Actions& actions);
  void Erase();

  const RoundTerms terms_;
  const std::string platform_;
  CallingThread calling_thread_;
  const FoldMeans fold_;
  std::optional<RoundKeys> keys_;
  Binding binding_;
  const std::optional<Bytes> release_;
  const std::optional<Bytes> identity_;  // the claim, in offers and record
  const uint64_t start_ms_;
  uint64_t now_ms_;
  Phase phase_ = Phase::kTaking;
  bool closing_ = false;  // the host closed the round, and updates are still being folded
  std::vector<WrappedModelKey> wrapped_keys_;
  std::unique_ptr<Intake> intake_;
  std::optional<Publisher> publisher_;

  uint64_t token_next_;
  HelloBatches hellos_;
  std::optional<uint64_t> hello_token_;
  std::optional<uint64_t> record_token_;
  Bytes record_;  // signed

  uint64_t refused_ = 0;
  uint64_t reported_changes_ = 0;  // of intake and refusals together
  size_t reported_log_ = 0;        // entries of the log the host knows of
  std::optional<Digest> record_digest_;
  Secret model_key_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_ROUND_ROUND_MACHINE_H_
