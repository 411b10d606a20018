// The aggregator's memory across restarts: the state key of the plan it serves, what a sealed state
// opens to, and the states to keep. Pure, as all of core is.
//
//   none --OnStart--> asked --OnKey: released, and the host's state opens--> held
//                       |
//                       +--refused, or the state does not open--> none, until the next start
//
// A state that is there and does not open is never replaced by a fresh one: whoever wants to begin
// anew takes it away. In place of the state of the very round and record before, any other may
// stand, of this plan or another: who could open it takes over the identity in it, and nothing
// else.
#ifndef SEALFOLD_AGGREGATOR_CORE_STATE_STATE_KEEPER_H_
#define SEALFOLD_AGGREGATOR_CORE_STATE_STATE_KEEPER_H_

#include <optional>

#include "absl/status/statusor.h"
#include "aggregator/core/contract/action.h"
#include "aggregator/core/contract/terms.h"
#include "aggregator/core/state/sealed_state.h"
#include "protocol/crypto/sign.h"

namespace sealfold {

// What the key service is asked for: a new key for this aggregator's states of `plan`, and, where
// `blob` is not empty, the key in it, which is one for states of `blob_plan`.
struct AskStateKey {
  uint64_t token = 0;
  Digest plan = {};
  Bytes blob = {};
  Digest blob_plan = {};
};

// One thread.
class StateKeeper {
 public:
  // An attempt at a round begins; `stored` is what the host has: the state of the round before, or
  // an older one, or another plan's. What to ask for, under `token`, unless the plan's key is held.
  // An error of DecodeSealedState where `stored` is no state: then nothing is to be asked.
  absl::StatusOr<std::optional<AskStateKey>> OnStart(const RoundTerms& terms,
                                                     const std::optional<Bytes>& stored,
                                                     uint64_t token);

  // The answer: the model key in the state of the round before, or empty. Without that one, a state
  // of the round before is sent to be kept. Errors: the answer's, "state_key_size", or OpenState's.
  // Requires: the last OnStart asked.
  absl::StatusOr<Secret> OnKey(absl::StatusOr<StateKey> answer, Actions& actions);

  // The state after a round: for the host to keep, if the key is held. `model_key` is what the
  // record commits to, or empty.
  void Keep(const RoundTerms& terms, const Digest& record, ByteSpan model_key,
            Actions& actions) const;

  // What this aggregator took over from those whose state it opened, or began; null without a state
  // of `plan`.
  const SigningKey* identity(const Digest& plan) const;

 private:
  void SendState(StateHeader header, ByteSpan model_key, Actions& actions) const;
  struct Asked {
    StateHeader before = {};                 // of the round before, not yet filled in
    std::optional<SealedState> stored = {};  // to be opened
    bool stored_of_before = false;           // it is of that round and record
  };
  std::optional<Digest> plan_;  // of what follows
  StateKey key_;
  Secret identity_seed_;
  std::optional<SigningKey> identity_;
  std::optional<Asked> asked_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_STATE_STATE_KEEPER_H_
