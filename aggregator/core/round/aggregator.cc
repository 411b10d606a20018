#include "aggregator/core/round/aggregator.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/message/state_message.h"

namespace sealfold {
namespace {

constexpr size_t kSessionBytesMax = 255;  // ZeroMQ's bound on a routing id
// A start carries a plan of up to 65 535 participants.
constexpr cbor::Limits kHostHeadLimits = {
    .size_bytes_max = 64u << 20, .items_max = 64, .depth_max = 2};

absl::Status NoRound() {
  return Refused({.code = "no_round",
                  .what = "round of the aggregator",
                  .expected = "one under way",
                  .found = "none",
                  .advice = "wait until the coordinator starts one"});
}

void TellClosed(const absl::Status& status, Actions& actions) {
  const Explanation why = Explain(status);
  SendHost(actions, StateClosed{.code = why.code,
                                .reason = absl::StrCat(why.what, ": expected ", why.expected,
                                                       ", found ", why.found)});
}

bool Same(const StartRound& a, const StartRound& b) {
  return a.plan == b.plan && a.round == b.round && a.attempt == b.attempt;
}

}  // namespace

Aggregator::Aggregator(std::string version, std::string platform, std::optional<FoldMeans> fold,
                       bool keeps_state)
    : version_(std::move(version)),
      platform_(std::move(platform)),
      fold_(fold),
      keeps_state_(keeps_state) {}

void Aggregator::Announce(Actions& actions) const {
  Ready ready{.version = version_, .plan = {}};
  if (waiting_.has_value()) {
    ready.plan = Sha256(waiting_->plan);
    ready.round = waiting_->round.value();
    ready.attempt = waiting_->attempt.value();
  } else if (round_ != nullptr) {
    ready.plan = round_->terms().plan.digest;
    ready.round = round_->terms().round.value();
    ready.attempt = round_->terms().attempt.value();
  }
  SendHost(actions, ready);
}

void Aggregator::OnMessage(const Bytes& session, const Message& message, uint64_t now_ms,
                           absl::FunctionRef<Secret()> draw_seed, Actions& actions) {
  if (session.size() > kSessionBytesMax) return;
  if (session.empty()) {
    const absl::Status status = OnHostMessage(message, now_ms, draw_seed, actions);
    if (!status.ok()) SendHost(actions, RefusedMessage::Of(status));
  } else if (round_ == nullptr) {
    Send(actions, session, RefusedMessage::Of(NoRound()));
  } else {
    round_->OnMessage(session, message, now_ms, actions);
  }
  DropIfOver();
}

absl::Status Aggregator::OnHostMessage(const Message& message, uint64_t now_ms,
                                       absl::FunctionRef<Secret()> draw_seed, Actions& actions) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string type, cbor::PeekType(message.head, kHostHeadLimits));
  if (type == StartRound::kType) {
    SEALFOLD_ASSIGN_OR_RETURN(StartRound start,
                              cbor::DecodeFields<StartRound>(message.head, kHostHeadLimits));
    return OnStart(start, now_ms, draw_seed, actions);
  }
  if (type == HaveState::kType) {
    SEALFOLD_RETURN_IF_ERROR(cbor::DecodeFields<HaveState>(message.head, kHostHeadLimits).status());
    // One that is too large is a state that does not open, not none: a new identity would begin.
    if (keeps_state_) {
      stored_ = message.bulk.size() <= kSealedStateBytesMax ? ToBytes(message.bulk) : Bytes();
    }
    return absl::OkStatus();
  }
  if (type == HaveRelease::kType) {
    SEALFOLD_RETURN_IF_ERROR(
        cbor::DecodeFields<HaveRelease>(message.head, kHostHeadLimits).status());
    release_.reset();
    if (message.bulk.size() <= kOfferedReleaseBytesMax) release_ = ToBytes(message.bulk);
    return absl::OkStatus();
  }
  if (type == Inspect::kType) {
    OnInspect(now_ms, actions);
    return absl::OkStatus();
  }
  if (type == CloseRound::kType) {
    if (round_ == nullptr) return NoRound();
    round_->OnClose(now_ms, actions);
    return absl::OkStatus();
  }
  if (type == Base::kType) {
    SEALFOLD_ASSIGN_OR_RETURN(Base base, cbor::DecodeFields<Base>(message.head, kHostHeadLimits));
    if (round_ == nullptr) return absl::OkStatus();  // asked for by a round that ended meanwhile
    round_->OnBase(base.offset, message.bulk, now_ms, actions);
    return absl::OkStatus();
  }
  return BadInput({.code = "message_unexpected",
                   .what = "type of the host's message",
                   .expected = "start, close, base, inspect, have-state or have-release",
                   .found = "another"});
}

absl::Status Aggregator::OnStart(const StartRound& start, uint64_t now_ms,
                                 absl::FunctionRef<Secret()> draw_seed, Actions& actions) {
  if (round_ != nullptr && Sha256(start.plan) == round_->terms().plan.digest &&
      start.round == round_->terms().round && start.attempt == round_->terms().attempt) {
    OnInspect(now_ms, actions);
    return absl::OkStatus();
  }
  if (!keeps_state_) return Begin(start, now_ms, draw_seed, actions);
  const std::optional<Bytes> stored = std::exchange(stored_, std::nullopt);
  if (waiting_.has_value() && Same(*waiting_, start)) return absl::OkStatus();
  // What could not be started is refused now, and leaves everything as it is.
  SEALFOLD_ASSIGN_OR_RETURN(const RoundTerms terms, RoundTerms::Open(start));
  waiting_.reset();
  question_.reset();
  const absl::StatusOr<std::optional<AskStateKey>> question =
      state_.OnStart(terms, stored, ++state_token_);
  if (!question.ok()) TellClosed(question.status(), actions);
  if (!question.ok() || !question->has_value()) return Begin(start, now_ms, draw_seed, actions);
  question_ = **question;
  waiting_ = start;
  return absl::OkStatus();
}

void Aggregator::OnStateKey(uint64_t token, absl::StatusOr<StateKey> key, uint64_t now_ms,
                            absl::FunctionRef<Secret()> draw_seed, Actions& actions) {
  if (token != state_token_ || !waiting_.has_value()) return;
  absl::StatusOr<Secret> opened = state_.OnKey(std::move(key), actions);
  if (!opened.ok()) {
    TellClosed(opened.status(), actions);
  } else if (!opened->empty()) {
    model_key_ = *std::move(opened);
  }
  const StartRound start = *std::exchange(waiting_, std::nullopt);
  const absl::Status begun = Begin(start, now_ms, draw_seed, actions);
  if (!begun.ok()) SendHost(actions, RefusedMessage::Of(begun));
}

absl::Status Aggregator::Begin(const StartRound& start, uint64_t now_ms,
                               absl::FunctionRef<Secret()> draw_seed, Actions& actions) {
  Actions started;
  SEALFOLD_ASSIGN_OR_RETURN(std::unique_ptr<RoundMachine> next,
                            RoundMachine::Start(start,
                                                {.seed = draw_seed(),
                                                 .base_key = Secret::CopyOf(model_key_.span()),
                                                 .platform = platform_,
                                                 .token_first = token_next_,
                                                 .fold = fold_,
                                                 .identity = state_.identity(Sha256(start.plan)),
                                                 .release = release_},
                                                now_ms, started));
  if (round_ != nullptr) {
    SendHost(actions, Failed{.round = round_->terms().round,
                             .attempt = round_->terms().attempt,
                             .code = "replaced",
                             .reason = "the host started another attempt"});
  }
  round_ = std::move(next);
  for (Action& action : started) actions.push_back(std::move(action));
  return absl::OkStatus();
}

void Aggregator::OnInspect(uint64_t now_ms, Actions& actions) {
  Announce(actions);
  if (round_ != nullptr) round_->OnInspect(now_ms, actions);
}

void Aggregator::OnEvidence(uint64_t token, absl::StatusOr<Bytes> evidence, uint64_t now_ms,
                            Actions& actions) {
  if (round_ == nullptr) return;
  Actions done;
  round_->OnEvidence(token, std::move(evidence), now_ms, done);
  if (round_->record_digest().has_value()) {
    // Before the host hears that the round is finished: a state may lack its record, for which it
    // is of no use, but no record its state.
    model_key_ = round_->TakeModelKey();
    state_.Keep(round_->terms(), *round_->record_digest(), model_key_.span(), actions);
  }
  for (Action& action : done) actions.push_back(std::move(action));
  DropIfOver();
}

void Aggregator::OnTick(uint64_t now_ms, Actions& actions) {
  if (round_ != nullptr) round_->OnTick(now_ms, actions);
  DropIfOver();
}

uint64_t Aggregator::next_tick_ms() const {
  return round_ != nullptr ? round_->next_tick_ms() : UINT64_MAX;
}

void Aggregator::DropIfOver() {
  if (round_ == nullptr) return;
  token_next_ = round_->token_next();
  if (!round_->over()) return;
  round_.reset();
}

}  // namespace sealfold
