#include "aggregator/core/round/round_machine.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregator/core/publish/round_record.h"
#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/identity.h"
#include "protocol/envelope/sealed_model.h"
#include "protocol/record/record.h"

namespace sealfold {
namespace {

constexpr cbor::Limits kHeadLimits = {
    .size_bytes_max = kMessageHeadBytesMax, .items_max = 64, .depth_max = 2};
constexpr size_t kCommittedPerMessage = 1024;  // participants that one `round` message names

absl::StatusOr<std::vector<WrappedModelKey>> WrapModelKeys(const RoundTerms& terms,
                                                           const RoundKeys& keys) {
  std::vector<WrappedModelKey> out;
  if (terms.contract().delivery != Delivery::kSealed) return out;
  for (uint32_t i = 0; i < terms.contract().participants.size(); ++i) {
    SEALFOLD_ASSIGN_OR_RETURN(
        WrappedModelKey wrapped,
        WrapModelKey(terms.plan, terms.round, terms.contract().participants[i],
                     keys.model_key().span(), keys.WrapSeed(i)));
    out.push_back(std::move(wrapped));
  }
  return out;
}

std::optional<Bytes> ClaimOf(const SigningKey* identity, const Binding& binding) {
  if (identity == nullptr) return std::nullopt;
  return SignIdentity(*identity, binding);
}

bool IsBaseKey(const RoundTerms& terms, const Secret& key) {
  return !key.empty() && terms.base_key_commitment.has_value() &&
         ModelKeyCommitment(key.span()) == *terms.base_key_commitment;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RoundMachine>> RoundMachine::Start(const StartRound& start,
                                                                  RoundSetup setup, uint64_t now_ms,
                                                                  Actions& actions) {
  SEALFOLD_ASSIGN_OR_RETURN(RoundTerms terms, RoundTerms::Open(start));
  Secret base_key = IsBaseKey(terms, setup.base_key) ? std::move(setup.base_key) : Secret();
  std::unique_ptr<RoundMachine> machine(
      new RoundMachine(std::move(terms), std::move(setup), now_ms));
  SEALFOLD_ASSIGN_OR_RETURN(machine->wrapped_keys_,
                            WrapModelKeys(machine->terms_, *machine->keys_));
  SEALFOLD_ASSIGN_OR_RETURN(machine->intake_, Intake::Make(machine->terms_, *machine->keys_,
                                                           std::move(base_key), machine->fold_));
  machine->ReportState(true, actions);
  return machine;
}

RoundMachine::RoundMachine(RoundTerms terms, RoundSetup setup, uint64_t now_ms)
    : terms_(std::move(terms)),
      platform_(std::move(setup.platform)),
      fold_(setup.fold.value_or(FoldMeans{.workers = calling_thread_})),
      keys_(RoundKeys::Derive(setup.seed, terms_)),
      binding_(keys_->MakeBinding(terms_)),
      release_(std::move(setup.release)),
      identity_(ClaimOf(setup.identity, binding_)),
      start_ms_(now_ms),
      now_ms_(now_ms),
      token_next_(setup.token_first) {}

RoundMachine::~RoundMachine() { Erase(); }

void RoundMachine::Erase() {
  // What refers to something else goes first.
  publisher_.reset();
  intake_.reset();
  keys_.reset();
  hellos_ = {};
  phase_ = Phase::kOver;
}

void RoundMachine::OnMessage(const Bytes& session, const Message& message, uint64_t now_ms,
                             Actions& actions) {
  SEALFOLD_CHECK(!over());
  Advance(now_ms);
  Settle(actions);  // a deadline that passed comes before the message
  if (over()) return;
  const absl::Status status = Dispatch(session, message, actions);
  if (!status.ok()) Refuse(session, status, actions);
  Settle(actions);
}

absl::Status RoundMachine::Dispatch(const Bytes& session, const Message& message,
                                    Actions& actions) {
  if (message.bulk.size() > kMessageBulkBytesMax) {
    return BadInput({.code = "message_too_long",
                     .what = "bulk of a message",
                     .expected = absl::StrCat("at most ", kMessageBulkBytesMax, " bytes"),
                     .found = absl::StrCat(message.bulk.size(), " bytes")});
  }
  SEALFOLD_ASSIGN_OR_RETURN(const std::string type, cbor::PeekType(message.head, kHeadLimits));
  if (type == Chunk::kType) {
    SEALFOLD_ASSIGN_OR_RETURN(Chunk chunk, cbor::DecodeFields<Chunk>(message.head, kHeadLimits));
    return intake_->OnChunk(session, chunk, message.bulk, now_ms_, actions);
  }
  if (type == Begin::kType) {
    SEALFOLD_ASSIGN_OR_RETURN(Begin begin, cbor::DecodeFields<Begin>(message.head, kHeadLimits));
    return intake_->OnBegin(session, begin, message.bulk, now_ms_, actions);
  }
  if (type == Query::kType) {
    SEALFOLD_ASSIGN_OR_RETURN(Query query, cbor::DecodeFields<Query>(message.head, kHeadLimits));
    return intake_->OnQuery(session, query, now_ms_, actions);
  }
  if (type == Hello::kType) {
    SEALFOLD_ASSIGN_OR_RETURN(Hello hello, cbor::DecodeFields<Hello>(message.head, kHeadLimits));
    return OnHello(session, hello, actions);
  }
  return BadInput({.code = "message_unexpected",
                   .what = "type of a participant's message",
                   .expected = "hello, begin, chunk or query",
                   .found = "another"});
}

absl::Status RoundMachine::OnHello(const Bytes& session, const Hello& hello, Actions& actions) {
  SEALFOLD_RETURN_IF_ERROR(CheckPlanDigest(terms_, hello.plan));
  SEALFOLD_ASSIGN_OR_RETURN(const uint32_t participant, FindParticipant(terms_, hello.participant));
  if (phase_ != Phase::kTaking || intake_->closed()) return RoundClosed();
  SEALFOLD_RETURN_IF_ERROR(hellos_.Add(participant, session, hello.nonce));
  AskForHellos(actions);
  return absl::OkStatus();
}

void RoundMachine::AskForHellos(Actions& actions) {
  std::optional<HelloBatches::Question> question = hellos_.Ask(binding_.digest());
  if (!question.has_value()) return;
  hello_token_ = token_next_++;
  actions.push_back(AskEvidence{.token = *hello_token_,
                                .nonce = std::move(question->nonce),
                                .user_data = std::move(question->user_data),
                                .public_key = ToBytes(keys_->hpke().public_key().span())});
}

void RoundMachine::AnswerHellos(Actions& actions) {
  hellos_.GiveAnswers([&](const Bytes& session, const absl::StatusOr<Bytes>& document,
                          std::optional<NoncePath> path) {
    if (!document.ok()) return Refuse(session, document.status(), actions);
    Send(actions, session,
         Offer{.binding = binding_,
               .hpke_key = keys_->hpke().public_key(),
               .platform = platform_,
               .evidence = *document,
               .batch = std::move(path),
               .identity = identity_,
               .release = release_});
  });
}

void RoundMachine::OnEvidence(uint64_t token, absl::StatusOr<Bytes> evidence, uint64_t now_ms,
                              Actions& actions) {
  SEALFOLD_CHECK(!over());
  Advance(now_ms);
  if (record_token_ == token) {
    record_token_.reset();
    if (evidence.ok()) {
      Finish(*std::move(evidence), actions);
    } else {
      Refuse({}, evidence.status(), actions);
    }
  } else if (hello_token_ == token) {
    hello_token_.reset();
    hellos_.OnDocument(std::move(evidence));
    AskForHellos(actions);  // before answers that take time: the platform need not wait for them
    AnswerHellos(actions);
  }
  Settle(actions);
}

void RoundMachine::OnClose(uint64_t now_ms, Actions& actions) {
  SEALFOLD_CHECK(!over());
  Advance(now_ms);
  Settle(actions);
  if (over()) return;
  if (phase_ == Phase::kPublishing) {
    if (publisher_->stopped()) publisher_->Start(actions);
  } else if (phase_ == Phase::kAttesting) {
    if (!record_token_.has_value()) Attest(actions);
  } else if (!terms_.contract().early_close) {
    Refuse({},
           Refused({.code = "close_not_allowed",
                    .what = "closing the round early",
                    .expected = "a plan that allows it",
                    .found = "early_close is false",
                    .advice = "wait for the deadline"}),
           actions);
  } else if (intake_->log().size() + intake_->folding() < terms_.contract().quorum) {
    RefuseQuorum(actions);
  } else {
    closing_ = true;
    intake_->Hurry(true);
  }
  Settle(actions);
}

void RoundMachine::RefuseQuorum(Actions& actions) {
  Refuse({},
         Refused({.code = "quorum_missing",
                  .what = "updates of the round",
                  .expected = absl::StrCat("at least ", terms_.contract().quorum),
                  .found = absl::StrCat(intake_->log().size()),
                  .advice = "wait for more participants, or for the deadline"}),
         actions);
}

void RoundMachine::OnBase(uint64_t offset, ByteSpan bytes, uint64_t now_ms, Actions& actions) {
  SEALFOLD_CHECK(!over());
  Advance(now_ms);
  Settle(actions);
  if (over() || phase_ == Phase::kAttesting) return;  // one asked for twice may still come
  if (phase_ != Phase::kPublishing) {
    Refuse({},
           Refused({.code = "base_unexpected",
                    .what = "part of the base model",
                    .expected = "none: nothing was asked for",
                    .found = absl::StrCat("offset ", offset)}),
           actions);
    Settle(actions);
    return;
  }
  const absl::Status status = publisher_->OnBase(offset, bytes, actions);
  const std::string code = ErrorCode(status);
  if (code == "model_overflow" || code == "base_not_canonical") {
    Fail(status, actions);
    return;
  }
  if (!status.ok()) {
    Refuse({}, status, actions);
  } else if (publisher_->model().has_value()) {
    Attest(actions);
  }
  Settle(actions);
}

void RoundMachine::OnInspect(uint64_t now_ms, Actions& actions) {
  SEALFOLD_CHECK(!over());
  Advance(now_ms);
  ReportState(true, actions);
  if (phase_ == Phase::kPublishing || phase_ == Phase::kAttesting) {
    phase_ = Phase::kPublishing;
    record_token_.reset();
    publisher_->Start(actions);
  }
}

void RoundMachine::OnTick(uint64_t now_ms, Actions& actions) {
  SEALFOLD_CHECK(!over());
  Advance(now_ms);
  AnswerHellos(actions);
  if (phase_ == Phase::kTaking) intake_->OnTick(now_ms_, actions);
  Settle(actions);
}

uint64_t RoundMachine::next_tick_ms() const {
  SEALFOLD_CHECK(!over());
  if (hellos_.has_answers()) return now_ms_;
  if (phase_ != Phase::kTaking) return UINT64_MAX;
  const uint64_t deadline_ms = start_ms_ + terms_.contract().deadline_seconds * 1000;
  return std::max(now_ms_, std::min(deadline_ms, intake_->next_tick_ms().value_or(UINT64_MAX)));
}

void RoundMachine::Refuse(const Bytes& session, const absl::Status& status, Actions& actions) {
  ++refused_;
  Send(actions, session, RefusedMessage::Of(status));
}

void RoundMachine::Settle(Actions& actions) {
  if (phase_ == Phase::kOver) return;
  if (phase_ == Phase::kTaking) {
    const uint64_t quorum = terms_.contract().quorum;
    if (late() && !intake_->closed()) intake_->Close();
    const bool ends = late() || closing_;
    if (intake_->complete() ||
        (ends && intake_->folding() == 0 && intake_->log().size() >= quorum)) {
      Publish(actions);
    } else if (late() && intake_->folding() == 0) {
      Fail(Refused({.code = "quorum_missing",
                    .what = "updates at the round's deadline",
                    .expected = absl::StrCat("at least ", quorum),
                    .found = absl::StrCat(intake_->log().size())}),
           actions);
      return;
    } else if (closing_ && intake_->folding() == 0) {
      // Some that were complete were not what they should be.
      closing_ = false;
      intake_->Hurry(false);
      RefuseQuorum(actions);
    }
  }
  if (intake_->changes() + refused_ != reported_changes_) ReportState(false, actions);
}

void RoundMachine::ReportState(bool all, Actions& actions) {
  const std::vector<LogEntry>& log = intake_->log();
  if (all) reported_log_ = 0;
  do {
    RoundState state{.round = terms_.round,
                     .attempt = terms_.attempt,
                     .updates = log.size(),
                     .chunks = intake_->chunks_taken(),
                     .staged_bytes = intake_->staged_bytes(),
                     .refused = refused_ + intake_->refused(),
                     .committed = {}};
    while (reported_log_ < log.size() && state.committed.size() < kCommittedPerMessage) {
      state.committed.push_back(log[reported_log_++].participant);
    }
    SendHost(actions, state);
  } while (reported_log_ < log.size());
  reported_changes_ = intake_->changes() + refused_;
}

void RoundMachine::Publish(Actions& actions) {
  SEALFOLD_CHECK(phase_ == Phase::kTaking);
  SEALFOLD_CHECK(intake_->log().size() >= terms_.contract().quorum);
  SEALFOLD_CHECK(intake_->folding() == 0);
  phase_ = Phase::kPublishing;
  intake_->Close();
  ReportState(false, actions);
  publisher_.emplace(terms_, *keys_, intake_->base_key(), intake_->sum().span(),
                     intake_->weight_sum());
  publisher_->Start(actions);
}

void RoundMachine::Attest(Actions& actions) {
  SEALFOLD_CHECK(publisher_->model().has_value());
  phase_ = Phase::kAttesting;
  record_ = SignRoundRecord(terms_, *keys_, intake_->log(), intake_->weight_sum(),
                            *publisher_->model(), identity_);
  record_token_ = token_next_++;
  actions.push_back(AskEvidence{.token = *record_token_,
                                .nonce = ToBytes(Sha256(record_).span()),
                                .user_data = ToBytes(binding_.digest().span()),
                                .public_key = ToBytes(keys_->hpke().public_key().span())});
}

void RoundMachine::Finish(Bytes evidence, Actions& actions) {
  SEALFOLD_CHECK(phase_ == Phase::kAttesting);
  const RecordFile file{.plan = terms_.plan.bytes,
                        .record = record_,
                        .binding = binding_,
                        .platform = platform_,
                        .evidence = std::move(evidence),
                        .log = intake_->log(),
                        .model_keys = wrapped_keys_,
                        .release = release_};
  SendHost(actions, Finished{.round = terms_.round}, EncodeRecordFile(file));
  record_digest_ = Sha256(record_);
  if (terms_.contract().delivery == Delivery::kSealed) model_key_ = keys_->TakeModelKey();
  Erase();
}

void RoundMachine::Fail(const absl::Status& status, Actions& actions) {
  const Explanation why = Explain(status);
  SendHost(actions, Failed{.round = terms_.round,
                           .attempt = terms_.attempt,
                           .code = why.code,
                           .reason = absl::StrCat(why.what, ": expected ", why.expected, ", found ",
                                                  why.found)});
  Erase();
}

}  // namespace sealfold
