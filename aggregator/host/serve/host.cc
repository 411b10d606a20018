#include "aggregator/host/serve/host.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr cbor::Limits kHeadLimits = {
    .size_bytes_max = kMessageHeadBytesMax, .items_max = 64, .depth_max = 2};
constexpr size_t kRetiredMax = 64;
constexpr size_t kClosersMax = 64;

bool IsForAggregator(absl::string_view type) {
  return type == Hello::kType || type == Begin::kType || type == Chunk::kType ||
         type == Query::kType;
}

absl::Status AggregatorAbsent() {
  return Refused({.code = "aggregator_absent",
                  .what = "aggregator of the run",
                  .expected = "one that is connected to its host",
                  .found = "none",
                  .advice = "it will come back; try again in a moment"});
}

}  // namespace

Host::Host(RunStore& store, uint64_t version_first)
    : store_(store), run_(store, version_first), uploads_(store.plan().plan) {}

void Host::OnParticipant(const Bytes& identity, Message message, uint64_t now_ms, HostOutput& out) {
  const absl::Status status = AnswerParticipant(identity, message, now_ms, out);
  if (!status.ok())
    out.to_participants.push_back({identity, ToMessage(RefusedMessage::Of(status))});
}

absl::Status Host::AnswerParticipant(const Bytes& identity, Message& message, uint64_t now_ms,
                                     HostOutput& out) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string type, cbor::PeekType(message.head, kHeadLimits));
  if (IsForAggregator(type)) {
    if (aggregator_.empty()) return AggregatorAbsent();
    uploads_.OnRelayed(message);
    out.to_aggregator.push_back({identity, std::move(message)});
    return absl::OkStatus();
  }
  if (type == StatusRequest::kType) {
    SEALFOLD_ASSIGN_OR_RETURN(const StatusRequest request,
                              cbor::DecodeFields<StatusRequest>(message.head, kHeadLimits));
    waiters_.Add(identity, request.after, now_ms);
    AnswerWaiters(now_ms, out);
    return absl::OkStatus();
  }
  if (type == GetRequest::kType) {
    SEALFOLD_ASSIGN_OR_RETURN(const GetRequest get,
                              cbor::DecodeFields<GetRequest>(message.head, kHeadLimits));
    return AnswerPart(identity, get, out);
  }
  return BadInput({.code = "message_unexpected",
                   .what = "type of a participant's message",
                   .expected = "status, get, hello, begin, chunk or query",
                   .found = type});
}

absl::Status Host::AnswerPart(const Bytes& identity, const GetRequest& get, HostOutput& out) {
  SEALFOLD_ASSIGN_OR_RETURN(FilePart part,
                            store_.Read(get.what, get.round, get.offset, kPartBytesMax));
  const Part head = {
      .what = get.what, .round = get.round, .offset = get.offset, .total = part.total};
  out.to_participants.push_back({identity, ToMessage(head, std::move(part.bytes))});
  return absl::OkStatus();
}

void Host::OnControl(const Bytes& identity, const Message& message, uint64_t now_ms,
                     HostOutput& out) {
  const absl::Status status = AnswerControl(identity, message, now_ms, out);
  if (!status.ok()) out.to_control.push_back({identity, ToMessage(RefusedMessage::Of(status))});
}

absl::Status Host::AnswerControl(const Bytes& identity, const Message& message, uint64_t now_ms,
                                 HostOutput& out) {
  SEALFOLD_ASSIGN_OR_RETURN(const std::string type, cbor::PeekType(message.head, kHeadLimits));
  RunOutput run;
  if (type == CloseRequest::kType) {
    if (closers_.size() >= kClosersMax) {
      return Refused({.code = "closing_already",
                      .what = "ending the round early",
                      .expected = absl::StrCat("fewer than ", kClosersMax, " who ask"),
                      .found = "as many",
                      .advice = "wait for the aggregator's answer"});
    }
    SEALFOLD_RETURN_IF_ERROR(run_.Close(run));
    closers_.push_back(identity);
    Settle(std::move(run), now_ms, out);
    return absl::OkStatus();
  }
  if (type == LaunchRequest::kType) {
    SEALFOLD_RETURN_IF_ERROR(run_.Launch(run));
    Settle(std::move(run), now_ms, out);
  } else if (type != ViewRequest::kType) {
    return BadInput(
        {.code = "message_unexpected", .what = "type of a control message", .found = type});
  }
  out.to_control.push_back({identity, ToMessage(view())});
  return absl::OkStatus();
}

void Host::OnAggregator(const Bytes& connection, const Bytes& session, Message message,
                        uint64_t now_ms, HostOutput& out) {
  if (std::find(retired_.begin(), retired_.end(), connection) != retired_.end()) return;
  RunOutput run;
  if (connection != aggregator_) {
    if (!aggregator_.empty()) retired_.push_back(aggregator_);
    if (retired_.size() > kRetiredMax) retired_.pop_front();
    aggregator_ = connection;
    run_.OnAggregatorConnected(run);
    // What it announces may have waited since before a restart of ours: the answer to our question
    // counts.
    if (session.empty() && cbor::PeekType(message.head).value_or("") == Ready::kType) {
      message.head.clear();
    }
  }
  if (message.head.empty()) {
    // Only shows that it is there.
  } else if (session.empty()) {
    run_.OnAggregatorMessage(message, now_ms, run);
  } else {
    out.to_participants.push_back({session, std::move(message)});
  }
  Settle(std::move(run), now_ms, out);
}

void Host::OnAggregatorGone(uint64_t now_ms, HostOutput& out) {
  aggregator_.clear();
  RunOutput run;
  run_.OnAggregatorGone(run);
  Settle(std::move(run), now_ms, out);
}

void Host::OnNotRelayed(const Bytes& session, HostOutput& out) {
  if (session.empty()) return;
  out.to_participants.push_back({session, ToMessage(RefusedMessage::Of(AggregatorAbsent()))});
}

void Host::OnTick(uint64_t now_ms, HostOutput& out) {
  RunOutput run;
  run_.OnTick(now_ms, run);
  Settle(std::move(run), now_ms, out);
  AnswerWaiters(now_ms, out);
}

void Host::AnswerWaiters(uint64_t now_ms, HostOutput& out) {
  version_told_ = run_.version();
  for (const Bytes& due : waiters_.TakeDue(version_told_, now_ms)) {
    out.to_participants.push_back({due, ToMessage(run_.status())});
  }
}

void Host::Settle(RunOutput run, uint64_t now_ms, HostOutput& out) {
  if (run_.version() != version_told_) AnswerWaiters(now_ms, out);
  for (Message& message : run.to_aggregator) out.to_aggregator.push_back({{}, std::move(message)});
  for (std::string& note : run.notes) out.notes.push_back(std::move(note));
  uploads_.OnAttempt(store_.state().round, store_.state().attempt);
  if (run.close_answer.has_value()) {
    const Message answer = run.close_answer->ok()
                               ? ToMessage(view())
                               : ToMessage(RefusedMessage::Of(*run.close_answer));
    for (const Bytes& closer : closers_) out.to_control.push_back({closer, answer});
    closers_.clear();
  }
}

RunView Host::view() const {
  const Plan& plan = store_.plan().plan;
  RunView view = {.run = run_.status(),
                  .name = plan.name,
                  .rounds = plan.rounds,
                  .quorum = plan.quorum,
                  .chunks_total = uploads_.chunks_total(),
                  .staged_bytes = run_.round_state().staged_bytes,
                  .refused = run_.round_state().refused,
                  .participants = {},
                  .participants_total = plan.participants.size()};
  for (size_t i = 0; i < std::min(plan.participants.size(), kParticipantsShownMax); ++i) {
    const PlanParticipant& p = plan.participants[i];
    const bool committed = run_.committed().contains(p.key);
    view.participants.push_back(
        {.name = p.name,
         .chunks = committed ? uploads_.chunks_total() : uploads_.chunks(p.key),
         .committed = committed});
  }
  return view;
}

}  // namespace sealfold
