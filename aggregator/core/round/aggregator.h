// The aggregator between and within rounds: which messages reach which round. A pure state machine,
// as RoundMachine is.
#ifndef SEALFOLD_AGGREGATOR_CORE_ROUND_AGGREGATOR_H_
#define SEALFOLD_AGGREGATOR_CORE_ROUND_AGGREGATOR_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/functional/function_ref.h"
#include "aggregator/core/contract/action.h"
#include "aggregator/core/round/round_machine.h"
#include "aggregator/core/state/state_keeper.h"

namespace sealfold {

// One thread. At most one round at a time.
class Aggregator {
 public:
  // `version` and `platform` are public facts for `ready`, offers and records. The
  // workers of `fold` outlive it; none: who calls folds. `keeps_state`: keys can be asked for, so
  // that state is kept across restarts.
  Aggregator(std::string version, std::string platform, std::optional<FoldMeans> fold = {},
             bool keeps_state = false);

  // `ready` for the host: on start, and whenever a link to it was made.
  void Announce(Actions& actions) const;

  // A message from a participant's session, or, with an empty one, of the host's own. `draw_seed`
  // gives kRoundSeedSize fresh bytes, and is called when a round starts.
  //
  // `start` of the attempt that is under way changes nothing and is answered as `inspect` is. Of
  // another, it ends the one under way ("failed", code "replaced"), unless it is refused itself.
  // With a key to be asked for first, all that happens once that is answered.
  void OnMessage(const Bytes& session, const Message& message, uint64_t now_ms,
                 absl::FunctionRef<Secret()> draw_seed, Actions& actions);
  void OnEvidence(uint64_t token, absl::StatusOr<Bytes> evidence, uint64_t now_ms,
                  Actions& actions);
  // A key that a start waits for, to be looked for after every call; the one before is not needed
  // any more. With its answer, or that there is none, the round starts; the host hears why where
  // the state stays closed.
  std::optional<AskStateKey> TakeKeyQuestion() { return std::exchange(question_, std::nullopt); }
  void OnStateKey(uint64_t token, absl::StatusOr<StateKey> key, uint64_t now_ms,
                  absl::FunctionRef<Secret()> draw_seed, Actions& actions);
  void OnTick(uint64_t now_ms, Actions& actions);
  // UINT64_MAX: no tick is due.
  uint64_t next_tick_ms() const;

  // Of the round under way, if there is one.
  const RoundMachine* round() const { return round_.get(); }

 private:
  absl::Status OnHostMessage(const Message& message, uint64_t now_ms,
                             absl::FunctionRef<Secret()> draw_seed, Actions& actions);
  absl::Status OnStart(const StartRound& start, uint64_t now_ms,
                       absl::FunctionRef<Secret()> draw_seed, Actions& actions);
  absl::Status Begin(const StartRound& start, uint64_t now_ms,
                     absl::FunctionRef<Secret()> draw_seed, Actions& actions);
  void OnInspect(uint64_t now_ms, Actions& actions);
  void DropIfOver();

  const std::string version_;
  const std::string platform_;
  const std::optional<FoldMeans> fold_;
  std::unique_ptr<RoundMachine> round_;
  Secret model_key_;  // of the last model published (sealed delivery)
  const bool keeps_state_;
  StateKeeper state_;
  std::optional<Bytes> stored_;        // the state that the host has for the next start
  std::optional<Bytes> release_;       // as the host last gave it
  std::optional<StartRound> waiting_;  // for a key
  std::optional<AskStateKey> question_;
  uint64_t state_token_ = 0;
  uint64_t token_next_ = 1;  // so that late evidence for one round is never taken for another's
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_ROUND_AGGREGATOR_H_
