#include "aggregator/host/run/run.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "aggregator/host/run/state_files.h"
#include "protocol/base/error.h"
#include "protocol/message/state_message.h"
#include "protocol/text/utf8.h"

namespace sealfold {
namespace {

// Between attempts of which the aggregator refuses even the start.
constexpr uint64_t kStartAgainMs = 2000;
// Before a publication that stopped is asked for again: doubled each time, up to the longest.
constexpr uint64_t kCloseAgainFirstMs = 2000;
constexpr uint64_t kCloseAgainLongestMs = 60'000;
// Of an aggregator's text that is kept in run.json and told to everyone.
constexpr size_t kReasonBytesMax = 4096;
constexpr size_t kNoteBytesMax = 8192;

std::string RoundText(const RunState& state) {
  return absl::StrCat("round ", state.round, ", attempt ", state.attempt);
}

absl::Status AggregatorGone() {
  return PeerError({.code = "aggregator_absent",
                    .what = "link to the aggregator",
                    .expected = "an aggregator that is connected",
                    .found = "none",
                    .advice = "start sealfold-aggregator, or wait until it is back"});
}

}  // namespace

Run::Run(RunStore& store, uint64_t version_first) : store_(store), version_(version_first) {}

void Run::Note(RunOutput& out, absl::string_view text) const {
  out.notes.push_back(OneLine(text, kNoteBytesMax));
}

bool Run::InRound(uint64_t round, uint64_t attempt) const {
  return state().phase == RunPhase::kRound && state().round == round &&
         state().attempt == attempt && attempt != 0;
}

bool Run::Save(const RunState& next) {
  broken_.Update(store_.Save(next));
  Changed();
  return broken_.ok();
}

absl::Status Run::KeepIfStoreFailed(absl::Status status) {
  if (ErrorCode(status) == "file_unusable") broken_.Update(status);
  return status;
}

absl::Status Run::Launch(RunOutput& out) {
  if (!broken_.ok()) return broken_;
  if (state().phase == RunPhase::kFailed) {
    return Refused({.code = "run_failed",
                    .what = "run",
                    .expected = "one that has not failed",
                    .found = state().detail});
  }
  if (state().phase != RunPhase::kIdle) return absl::OkStatus();
  if (!Save({.phase = RunPhase::kRound, .round = 1, .attempt = 0, .detail = ""})) return broken_;
  Note(out, "launched");
  if (link_ == Link::kKnown) StartNext(out);
  return absl::OkStatus();
}

absl::Status Run::Close(RunOutput& out) {
  if (!broken_.ok()) return broken_;
  if (link_ == Link::kNone) return AggregatorGone();
  if (!in_round_) {
    return Refused({.code = "no_round",
                    .what = "ending the round early",
                    .expected = "a round under way",
                    .found = status().detail});
  }
  close_asked_ = true;
  out.to_aggregator.push_back(ToMessage(CloseRound{}));
  return absl::OkStatus();
}

void Run::OnAggregatorConnected(RunOutput& out) {
  if (!broken_.ok()) return;
  OnAggregatorGone(out);
  Note(out, "an aggregator connected");
  AskState(out);
}

void Run::OnAggregatorGone(RunOutput& out) {
  if (link_ == Link::kNone) return;
  Note(out, "the aggregator's connection ended");
  link_ = Link::kNone;
  in_round_ = false;
  start_unanswered_ = false;
  publishing_ = false;
  start_again_ms_ = UINT64_MAX;
  close_again_ms_ = UINT64_MAX;
  Answer(AggregatorGone(), out);
  Changed();
}

void Run::OnAggregatorMessage(const Message& message, uint64_t now_ms, RunOutput& out) {
  if (!broken_.ok()) return;
  SEALFOLD_CHECK(link_ != Link::kNone);
  const absl::Status status = Dispatch(message, now_ms, out);
  if (!status.ok()) Note(out, absl::StrCat("from the aggregator: ", status.message()));
}

absl::Status Run::Dispatch(const Message& message, uint64_t now_ms, RunOutput& out) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string type, cbor::PeekType(message.head));
  if (type == Ready::kType) {
    SEALFOLD_ASSIGN_OR_RETURN(const Ready ready, cbor::DecodeFields<Ready>(message.head));
    OnReady(ready, out);
  } else if (type == RoundState::kType) {
    SEALFOLD_ASSIGN_OR_RETURN(const RoundState round, cbor::DecodeFields<RoundState>(message.head));
    OnRoundState(round, out);
  } else if (type == RefusedMessage::kType) {
    SEALFOLD_ASSIGN_OR_RETURN(const RefusedMessage refused,
                              cbor::DecodeFields<RefusedMessage>(message.head));
    OnRefused(refused, now_ms, out);
  } else if (type == WantBase::kType) {
    SEALFOLD_ASSIGN_OR_RETURN(const WantBase want, cbor::DecodeFields<WantBase>(message.head));
    return OnWantBase(want, out);
  } else if (type == ModelPart::kType) {
    SEALFOLD_ASSIGN_OR_RETURN(const ModelPart part, cbor::DecodeFields<ModelPart>(message.head));
    return OnModelPart(part, message.bulk);
  } else if (type == Finished::kType) {
    SEALFOLD_ASSIGN_OR_RETURN(const Finished finished, cbor::DecodeFields<Finished>(message.head));
    OnFinished(finished, message.bulk, out);
  } else if (type == KeepState::kType) {
    SEALFOLD_ASSIGN_OR_RETURN(const KeepState keep, cbor::DecodeFields<KeepState>(message.head));
    return KeepIfStoreFailed(KeepStateFile(store_, keep.round, message.bulk));
  } else if (type == StateClosed::kType) {
    SEALFOLD_ASSIGN_OR_RETURN(const StateClosed closed,
                              cbor::DecodeFields<StateClosed>(message.head));
    Note(out, absl::StrCat("the aggregator's state stays closed: ", closed.reason, " [",
                           closed.code, "]"));
  } else if (type == Failed::kType) {
    SEALFOLD_ASSIGN_OR_RETURN(const Failed failed, cbor::DecodeFields<Failed>(message.head));
    if (InRound(failed.round.value(), failed.attempt.value())) {
      EndAttempt(absl::StrCat(failed.reason, " [", failed.code, "]"), out);
      if (link_ == Link::kKnown) StartNext(out);
    }
  } else {
    return BadInput(
        {.code = "message_unexpected", .what = "type of the aggregator's message", .found = type});
  }
  return absl::OkStatus();
}

void Run::AskState(RunOutput& out) {
  link_ = Link::kInspecting;
  start_again_ms_ = UINT64_MAX;  // the answer decides
  out.to_aggregator.push_back(ToMessage(Inspect{}));
  Changed();
}

void Run::OnReady(const Ready& ready, RunOutput& out) {
  // Told unasked, it may be older than what was sent to it since: ask, and decide on the answer.
  if (link_ != Link::kInspecting) return AskState(out);
  link_ = Link::kKnown;
  Changed();
  const bool ours = ready.plan == store_.plan().digest && ready.round == state().round;
  if (state().phase != RunPhase::kRound) return;
  if (ours && InRound(ready.round, ready.attempt)) {
    in_round_ = true;
    Note(out, absl::StrCat(RoundText(state()), " goes on"));
    return;
  }
  in_round_ = false;
  if (ours && ready.attempt > state().attempt) {
    // Our note of it was lost, as with a folder from a backup: never below what was really started.
    RunState next = state();
    next.attempt = std::min(ready.attempt, store_.plan().plan.attempts_max);
    if (!Save(next)) return;
  }
  if (reason_.empty() && state().attempt > 0) reason_ = "the aggregator lost it";
  StartNext(out);
}

void Run::StartNext(RunOutput& out) {
  SEALFOLD_CHECK(link_ == Link::kKnown && state().phase == RunPhase::kRound && !in_round_);
  const uint64_t attempts_max = store_.plan().plan.attempts_max;
  start_again_ms_ = UINT64_MAX;
  RunState next = state();
  if (next.attempt >= attempts_max) {
    next.phase = RunPhase::kFailed;
    next.detail = absl::StrCat("round ", next.round, " has no result after ", next.attempt,
                               next.attempt == 1 ? " attempt" : " attempts",
                               ", all that the plan allows; the last: ", reason_,
                               ". Sign a new plan that starts from model-", next.round - 1,
                               ".safetensors, and start a new run");
    if (Save(next)) Note(out, absl::StrCat("failed: ", next.detail));
    return;
  }
  ++next.attempt;
  reason_.clear();
  store_.DropModel();
  committed_.clear();
  round_state_ = {.round = Round(next.round), .attempt = Attempt(next.attempt), .committed = {}};
  publishing_ = false;
  close_again_ms_ = UINT64_MAX;
  absl::StatusOr<std::optional<Bytes>> kept = ReadStateFile(store_, next.round - 1);
  if (!kept.ok()) {
    broken_.Update(kept.status());
    return;
  }
  absl::StatusOr<std::optional<Bytes>> release = ReadReleaseFile(store_);
  if (!release.ok()) {
    broken_.Update(release.status());
    return;
  }
  if (!Save(next)) return;
  in_round_ = true;
  start_unanswered_ = true;
  Note(out, absl::StrCat("starting ", RoundText(next)));
  if (kept->has_value()) {
    out.to_aggregator.push_back(ToMessage(HaveState{}, **std::move(kept)));
  }
  if (release->has_value()) {
    out.to_aggregator.push_back(ToMessage(HaveRelease{}, **std::move(release)));
  }
  out.to_aggregator.push_back(ToMessage(StartRound{.plan = store_.plan().bytes,
                                                   .round = Round(next.round),
                                                   .attempt = Attempt(next.attempt),
                                                   .previous = store_.last_record()}));
}

void Run::Answer(const absl::Status& status, RunOutput& out) {
  if (close_asked_) out.close_answer = status;
  close_asked_ = false;
}

void Run::EndAttempt(const std::string& reason, RunOutput& out) {
  in_round_ = false;
  start_unanswered_ = false;
  publishing_ = false;
  close_again_ms_ = UINT64_MAX;
  reason_ = OneLine(reason, kReasonBytesMax);
  Note(out, absl::StrCat(RoundText(state()), " ended without a result: ", reason_));
  Answer(Refused({.code = "round_failed",
                  .what = "ending the round early",
                  .expected = "a result",
                  .found = reason_}),
         out);
  Changed();
}

void Run::OnRoundState(const RoundState& round, RunOutput& out) {
  if (!InRound(round.round.value(), round.attempt.value())) return;
  start_unanswered_ = false;
  for (const SigningPublicKey& key : round.committed) {
    if (!committed_.insert(key).second) continue;
    const std::optional<uint32_t> index = store_.plan().plan.IndexOf(key);
    const std::string name =
        index.has_value() ? store_.plan().plan.participants[*index].name : key.hex();
    Note(out, absl::StrCat(RoundText(state()), ": update of ", name, " committed"));
  }
  round_state_ = round;
}

void Run::OnRefused(const RefusedMessage& refused, uint64_t now_ms, RunOutput& out) {
  const absl::Status status = refused.ToStatus();
  Note(out, absl::StrCat("the aggregator refuses: ", status.message()));
  if (start_unanswered_) {
    EndAttempt(std::string(status.message()), out);
    start_again_ms_ = now_ms + kStartAgainMs;
  } else if (close_asked_ && !publishing_) {
    Answer(status, out);
  } else if (publishing_) {
    // It keeps the sum and waits: for another try at the base model, or at its evidence.
    reason_ = std::string(status.message());
    close_again_after_ms_ =
        std::clamp(2 * close_again_after_ms_, kCloseAgainFirstMs, kCloseAgainLongestMs);
    close_again_ms_ = now_ms + close_again_after_ms_;
    Answer(status, out);
    Changed();
  }
}

absl::Status Run::OnWantBase(const WantBase& want, RunOutput& out) {
  if (!in_round_) return absl::OkStatus();
  if (!publishing_) {
    publishing_ = true;
    Note(out, absl::StrCat(RoundText(state()), ": publishing"));
    Answer(absl::OkStatus(), out);
    Changed();
  }
  absl::StatusOr<FilePart> part = store_.Read(FileKind::kModel, state().round - 1, want.offset,
                                              std::min<uint64_t>(want.length, kPartBytesMax));
  if (!part.ok()) {
    // The aggregator asks once: where the file is to blame, nothing would go on.
    if (ErrorCode(part.status()) != "offset_out_of_range") broken_.Update(part.status());
    return part.status();
  }
  out.to_aggregator.push_back(ToMessage(Base{.offset = want.offset}, std::move(part->bytes)));
  return absl::OkStatus();
}

absl::Status Run::OnModelPart(const ModelPart& part, ByteSpan bytes) {
  if (state().phase != RunPhase::kRound || state().attempt == 0) return absl::OkStatus();
  if (part.offset == 0) SEALFOLD_RETURN_IF_ERROR(KeepIfStoreFailed(store_.BeginModel()));
  return KeepIfStoreFailed(store_.AppendModel(part.offset, bytes));
}

void Run::OnFinished(const Finished& finished, ByteSpan record_file, RunOutput& out) {
  if (!InRound(finished.round.value(), state().attempt)) return;
  const absl::Status published = KeepIfStoreFailed(store_.Publish(state().attempt, record_file));
  if (!broken_.ok()) return;
  if (!published.ok() && !in_round_) {
    // Of a connection that is new to us, with parts that were lost: what it says when asked
    // decides.
    Note(out, absl::StrCat("a result that cannot be published: ", published.message()));
    return;
  }
  if (!published.ok()) {
    EndAttempt(std::string(published.message()), out);
    if (link_ == Link::kKnown) StartNext(out);
    return;
  }
  Note(out, absl::StrCat(RoundText(state()), ": published"));
  in_round_ = false;
  start_unanswered_ = false;
  publishing_ = false;
  reason_.clear();
  committed_.clear();
  round_state_ = {};
  close_again_ms_ = UINT64_MAX;
  close_again_after_ms_ = 0;
  Answer(absl::OkStatus(), out);
  const bool last = state().round == store_.plan().plan.rounds;
  RunState next = {.phase = last ? RunPhase::kDone : RunPhase::kRound,
                   .round = state().round + (last ? 0 : 1),
                   .attempt = 0,
                   .detail = ""};
  if (!Save(next)) return;
  if (last) {
    Note(out, "all rounds are published");
  } else if (link_ == Link::kKnown) {
    StartNext(out);
  }
}

void Run::OnTick(uint64_t now_ms, RunOutput& out) {
  if (!broken_.ok()) return;
  if (now_ms >= start_again_ms_) {
    start_again_ms_ = UINT64_MAX;
    // Where it was asked meanwhile its answer decides, or has.
    if (link_ == Link::kKnown && state().phase == RunPhase::kRound && !in_round_) StartNext(out);
  }
  if (now_ms >= close_again_ms_) {
    close_again_ms_ = UINT64_MAX;
    Note(out, absl::StrCat(RoundText(state()), ": publishing again"));
    out.to_aggregator.push_back(ToMessage(CloseRound{}));
  }
}

RunStatus Run::status() const {
  RunStatus out = {.version = version_,
                   .phase = state().phase,
                   .plan = store_.plan().digest,
                   .round = state().round,
                   .attempt = state().attempt,
                   .records = store_.records(),
                   .updates = state().phase == RunPhase::kRound ? round_state_.updates : 0,
                   .aggregator = link_ != Link::kNone,
                   .detail = state().detail};
  if (out.phase == RunPhase::kIdle) out.detail = "waits for launch";
  if (out.phase == RunPhase::kDone) out.detail = "all rounds are published";
  if (out.phase == RunPhase::kRound) {
    if (link_ == Link::kNone) {
      out.detail = "waits for the aggregator";
    } else if (!in_round_) {
      out.detail =
          absl::StrCat("about to start an attempt", reason_.empty() ? "" : "; the last: ", reason_);
    } else if (close_again_ms_ != UINT64_MAX) {
      out.detail = absl::StrCat("about to publish again; ", reason_);
    } else {
      out.detail = publishing_ ? "publishing" : "taking updates";
    }
  }
  return out;
}

}  // namespace sealfold
