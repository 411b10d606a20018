// The run, round after round: a state machine around a RunStore. It has no socket, clock or
// randomness; messages and time come in, messages go out.
//
//   idle --launch--> round 1 .. round N --> done
//                      |  attempts used up
//                      +--> failed
//
// Within a round: with an aggregator that answered `inspect`, either it is in our round and attempt
// and goes on, or the next attempt is saved, then started. An attempt is never started twice.
#ifndef SEALFOLD_AGGREGATOR_HOST_RUN_RUN_H_
#define SEALFOLD_AGGREGATOR_HOST_RUN_RUN_H_

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "aggregator/host/run/run_store.h"
#include "protocol/message/message.h"

namespace sealfold {

// What an event leads to.
struct RunOutput {
  std::vector<Message> to_aggregator;
  std::vector<std::string> notes;            // for the log; public facts
  std::optional<absl::Status> close_answer;  // to whoever asked for an early end
};

// One thread. Once broken() is an error (the folder cannot be written or read) events change
// nothing, and the program must end: started again, it goes on from what is on disk.
class Run {
 public:
  // `store` outlives it. `version_first`: the time of day in ms, so that versions rise across
  // restarts.
  Run(RunStore& store, uint64_t version_first);

  // Idempotent. PermissionDenied ("run_failed") when the run has failed.
  absl::Status Launch(RunOutput& out);
  // Asks the aggregator to end the round now. Refused at once ("no_round", "aggregator_absent"), or
  // answered later as RunOutput::close_answer.
  absl::Status Close(RunOutput& out);

  // A connection to an aggregator that was not there before; whatever was known of another is void.
  void OnAggregatorConnected(RunOutput& out);
  void OnAggregatorGone(RunOutput& out);
  // With an empty session, from the connection that was last reported.
  void OnAggregatorMessage(const Message& message, uint64_t now_ms, RunOutput& out);
  // Due a few times a second.
  void OnTick(uint64_t now_ms, RunOutput& out);

  RunStatus status() const;
  // status().version: rises with what someone who waits may act on, so not with each update that is
  // committed. Every participant that has sent its own waits: n updates would be n² answers.
  uint64_t version() const { return version_; }
  // Of the attempt under way, as the aggregator last told.
  const RoundState& round_state() const { return round_state_; }
  const std::set<SigningPublicKey>& committed() const { return committed_; }
  const RunStore& store() const { return store_; }
  const absl::Status& broken() const { return broken_; }

 private:
  enum class Link { kNone, kInspecting, kKnown };

  const RunState& state() const { return store_.state(); }
  bool InRound(uint64_t round, uint64_t attempt) const;
  bool Save(const RunState& state);  // false: broken
  absl::Status KeepIfStoreFailed(absl::Status status);
  void Changed() { ++version_; }
  // In one line, as an aggregator's words may be among it.
  void Note(RunOutput& out, absl::string_view text) const;
  void AskState(RunOutput& out);
  void StartNext(RunOutput& out);
  void Answer(const absl::Status& status, RunOutput& out);
  void EndAttempt(const std::string& reason, RunOutput& out);

  absl::Status Dispatch(const Message& message, uint64_t now_ms, RunOutput& out);
  void OnReady(const Ready& ready, RunOutput& out);
  void OnRoundState(const RoundState& round, RunOutput& out);
  void OnRefused(const RefusedMessage& refused, uint64_t now_ms, RunOutput& out);
  absl::Status OnWantBase(const WantBase& want, RunOutput& out);
  absl::Status OnModelPart(const ModelPart& part, ByteSpan bytes);
  void OnFinished(const Finished& finished, ByteSpan record_file, RunOutput& out);

  RunStore& store_;
  uint64_t version_;
  absl::Status broken_;
  Link link_ = Link::kNone;
  bool in_round_ = false;  // the aggregator has our attempt under way
  bool start_unanswered_ = false;
  bool publishing_ = false;  // it asked for the base model
  bool close_asked_ = false;
  std::string reason_;  // why the last attempt ended
  RoundState round_state_;
  std::set<SigningPublicKey> committed_;
  uint64_t start_again_ms_ = UINT64_MAX;
  uint64_t close_again_ms_ = UINT64_MAX;
  uint64_t close_again_after_ms_ = 0;  // waited before the last one; grows
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_HOST_RUN_RUN_H_
