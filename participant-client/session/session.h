// One submission of one update, as a state machine: messages and time in, messages out.
//
//   hello -> offer -> every check -> begin -> progress -> chunks under credit -> receipt
//
// No socket, clock or randomness of its own: time comes with each message, randomness as one seed,
// so a run can be replayed. What must not be forgotten is in the store before the messages that
// depend on it are returned. When the aggregator comes back with other keys or in another attempt,
// the session attests it anew and sends again from the start, as often as the policy allows.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_SESSION_SESSION_H_
#define SEALFOLD_PARTICIPANT_CLIENT_SESSION_SESSION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "participant-client/memory/session_store.h"
#include "participant-client/session/attestation.h"
#include "participant-client/session/upload.h"
#include "protocol/record/record.h"

namespace sealfold {

// Everything that a session works with. The references outlive it.
struct SessionSetup {
  const Policy& policy;
  const SignedPlan& plan;
  const SigningKey& key;
  SessionStore& store;
  Memory memory;          // as the store has it
  UpdateIdentity update;  // with the weight; the payload passed the plan's checks
  PayloadSource& payload;
  Secret model_key;  // sealed delivery from round 2 on: opens the base model; else empty
  Secret seed;       // kSeedSize bytes drawn for this session alone
  ChainCache* chains = nullptr;  // as of OfferTerms

  static constexpr size_t kSeedSize = 32;
};

class Session {
 public:
  enum class State {
    kAttesting,  // asked the aggregator what it is; nothing of the update has been touched
    kPlacing,    // every check passed; finding out or saying where the upload starts
    kSending,
    kDone,    // a receipt that holds is in the memory
    kFailed,  // status() says why
  };

  explicit Session(SessionSetup setup);

  // Each returns what to send, in order. `now_ms`: since 1970, UTC.
  std::vector<Message> Start();
  // Whatever came from the peer: what is malformed, late or not for this session is ignored.
  std::vector<Message> OnMessage(const Message& message, uint64_t now_ms);
  // Nothing came for a while: asks again.
  std::vector<Message> OnQuiet();

  State state() const { return state_; }
  bool finished() const { return state_ == State::kDone || state_ == State::kFailed; }
  // OK unless kFailed. PermissionDenied: the checks, the aggregator's refusal, or a receipt that
  // does not hold.
  const absl::Status& status() const { return status_; }
  // The last refusal or damaged offer that was waited out; for when nothing better comes. OK if
  // none.
  const absl::Status& last_problem() const { return last_problem_; }

  // Of the last offer; `offers_judged` counts them, so that a caller sees when they are new.
  const CheckList& checks() const { return checks_; }
  uint64_t offers_judged() const { return offers_judged_; }
  // Rises whenever the upload gets further: a caller gives up when it does not for too long.
  uint64_t steps() const { return steps_; }
  // Nothing of the upload is under way: it is for the aggregator to give it room, or to fold it.
  bool waits_its_turn() const {
    return state_ == State::kSending &&
           (!upload_.has_value() || upload_->acknowledged() == upload_->sealed());
  }
  uint64_t chunks_acknowledged() const { return upload_.has_value() ? upload_->acknowledged() : 0; }
  uint64_t chunk_count() const { return chunk_count_; }
  // Of the round, as the plan has it.
  uint64_t deadline_ms() const { return plan_.plan.deadline_seconds * 1000; }
  const Memory& memory() const { return memory_; }
  // Of the last offer whose checks passed; requires that there was one.
  const Binding& binding() const { return *binding_; }
  const std::optional<LogEntry>& entry() const { return entry_; }

 private:
  using Messages = std::vector<Message>;
  // kUnlessMoved: nothing was heard for a while, but where the upload still gets further, it is a
  // line that is slow, and the question waits behind what is under way. kYes: something was
  // refused.
  enum class Resend { kNo, kUnlessMoved, kYes };
  OfferTerms terms() const;
  Secret Draw(absl::string_view label);
  void Fail(absl::Status status);
  void Attest(Messages& out);
  void AskWhere(Messages& out);
  void BeginAt(uint64_t start, std::optional<Digest> continues, uint64_t sequence_seen,
               Messages& out);
  // With a new header, at the chunk that an aggregator which has one of ours in force names.
  void GoOnAt(const Progress& progress, Messages& out);

  void OnOffer(const Offer& offer, uint64_t now_ms, Messages& out);
  void OnProgress(const Progress& progress, Messages& out);
  void OnReceipt(const ReceiptMessage& message, Messages& out);
  void OnRefused(const RefusedMessage& refused, Messages& out);
  absl::StatusOr<LogEntry> OpenOwnReceipt(ByteSpan receipt);

  const Policy& policy_;
  const SignedPlan& plan_;
  const SigningKey& key_;
  SessionStore& store_;
  PayloadSource& payload_;
  ChainCache* const chains_;
  Memory memory_;
  UpdateIdentity update_;
  Secret model_key_;
  Secret prk_;
  uint64_t draws_ = 0;
  uint64_t chunk_count_;

  State state_ = State::kAttesting;
  absl::Status status_;
  absl::Status last_problem_;
  SessionNonce nonce_;
  CheckList checks_;
  uint64_t offers_judged_ = 0;
  uint64_t offers_damaged_ = 0;  // in a row
  uint64_t receipts_broken_ = 0;
  uint64_t doubts_ =
      0;  // refusals that would be final if repeated, since the upload last got further
  uint64_t steps_ = 0;

  std::optional<Binding> binding_;
  SealingPublicKey hpke_key_;
  std::optional<Upload> upload_;
  bool asked_ = false;                 // where the upload stands, and no answer yet
  Resend resend_ = Resend::kNo;        // what is under way
  std::optional<uint64_t> resent_at_;  // chunks acknowledged when it last went out again
  std::optional<LogEntry> entry_;
};

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_SESSION_SESSION_H_
