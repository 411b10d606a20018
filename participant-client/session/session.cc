#include "participant-client/session/session.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "participant-client/session/receipt_check.h"
#include "participant-client/session/refusal.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"

namespace sealfold {
namespace {

constexpr uint64_t kOffersDamagedMax = 3;
constexpr uint64_t kReceiptsBrokenMax = 3;
constexpr uint64_t kDoubtsMax = 3;
// Headers of one attempt: each costs the aggregator a key agreement.
constexpr size_t kHeadersMax = 256;

constexpr cbor::Limits kHeadLimits = {.size_bytes_max = kMessageHeadBytesMax, .items_max = 1024};

}  // namespace

Session::Session(SessionSetup setup)
    : policy_(setup.policy),
      plan_(setup.plan),
      key_(setup.key),
      store_(setup.store),
      payload_(setup.payload),
      chains_(setup.chains),
      memory_(std::move(setup.memory)),
      update_(std::move(setup.update)),
      model_key_(std::move(setup.model_key)),
      prk_(HkdfExtract(AsBytes("sealfold session 1"), {setup.seed.span()})),
      chunk_count_(ChunkCount(payload_.size_bytes(), plan_.plan.chunk_bytes)) {
  SEALFOLD_CHECK(setup.seed.size() == SessionSetup::kSeedSize);
  SEALFOLD_CHECK(memory_.plan == plan_.digest && memory_.participant == key_.public_key());
}

OfferTerms Session::terms() const {
  return {.policy = policy_,
          .plan = plan_,
          .participant = key_.public_key(),
          .memory = memory_,
          .update = update_,
          .chains = chains_};
}

Secret Session::Draw(absl::string_view label) {
  return HkdfExpand(prk_.span(), AsBytes(absl::StrCat(label, " ", ++draws_)), 32);
}

void Session::Fail(absl::Status status) {
  state_ = State::kFailed;
  status_ = std::move(status);
}

std::vector<Message> Session::Start() {
  Messages out;
  checks_ = CheckPlanAgainstPolicy(plan_, policy_, key_.public_key());
  if (!checks_.passed()) {
    Fail(checks_.status());
    return out;
  }
  Attest(out);
  return out;
}

void Session::Attest(Messages& out) {
  state_ = State::kAttesting;
  asked_ = false;
  Secret drawn = Draw("nonce");
  std::copy(drawn.span().begin(), drawn.span().end(), nonce_.mutable_span().begin());
  out.push_back(MakeHello(terms(), nonce_));
}

void Session::AskWhere(Messages& out) {
  asked_ = true;
  Query query{.plan = plan_.digest, .participant = key_.public_key()};
  out.push_back({.head = cbor::EncodeFields(query), .bulk = {}});
}

std::vector<Message> Session::OnQuiet() {
  Messages out;
  if (state_ == State::kAttesting) {
    out.push_back(MakeHello(terms(), nonce_));
  } else if (state_ == State::kPlacing || state_ == State::kSending) {
    if (resend_ == Resend::kNo) resend_ = Resend::kUnlessMoved;
    AskWhere(out);
  }
  return out;
}

std::vector<Message> Session::OnMessage(const Message& message, uint64_t now_ms) {
  Messages out;
  if (finished()) return out;
  absl::StatusOr<std::string> type = cbor::PeekType(message.head, kHeadLimits);
  if (!type.ok()) return out;
  const auto read = [&]<class M>(M) { return cbor::DecodeFields<M>(message.head, kHeadLimits); };
  if (*type == Offer::kType) {
    if (auto offer = read(Offer()); offer.ok()) OnOffer(*offer, now_ms, out);
  } else if (*type == Progress::kType) {
    if (auto progress = read(Progress()); progress.ok()) OnProgress(*progress, out);
  } else if (*type == ReceiptMessage::kType) {
    if (auto receipt = read(ReceiptMessage()); receipt.ok()) OnReceipt(*receipt, out);
  } else if (*type == RefusedMessage::kType) {
    if (auto refused = read(RefusedMessage()); refused.ok()) OnRefused(*refused, out);
  }
  if (state_ == State::kFailed) out.clear();
  return out;
}

void Session::OnOffer(const Offer& offer, uint64_t now_ms, Messages& out) {
  if (state_ != State::kAttesting) return;
  OfferJudgement judged = JudgeOffer(terms(), offer, nonce_, now_ms);
  checks_ = std::move(judged.checks);
  ++offers_judged_;
  if (!checks_.passed()) {
    last_problem_ = checks_.status();
    if (judged.authentic || ++offers_damaged_ >= kOffersDamagedMax) return Fail(checks_.status());
    return Attest(out);
  }
  offers_damaged_ = 0;
  binding_ = offer.binding;
  hpke_key_ = offer.hpke_key;
  if (memory_.Resumes(offer.binding)) {
    state_ = State::kPlacing;
    resend_ = Resend::kYes;
    return AskWhere(out);
  }
  upload_.reset();
  if (absl::Status cleared = store_.ClearTags(); !cleared.ok()) return Fail(cleared);
  if (judged.release_version > 0) memory_.release_version = judged.release_version;
  memory_.entered = EnteredAttempt{.round = offer.binding.round,
                                   .attempt = offer.binding.attempt,
                                   .hpke_key = offer.binding.hpke_key,
                                   .update = update_,
                                   .headers = {},
                                   .receipt = {}};
  ++steps_;
  BeginAt(0, std::nullopt, 0, out);
}

// Signs a new header, remembers it, and only then lets it go.
void Session::BeginAt(uint64_t start, std::optional<Digest> continues, uint64_t sequence_seen,
                      Messages& out) {
  if (absl::Status same = payload_.CheckUnchanged(); !same.ok()) return Fail(same);
  EnteredAttempt& entered = *memory_.entered;
  if (entered.headers.size() >= kHeadersMax) {
    return Fail(
        PeerError({.code = "upload_interrupted_too_often",
                   .what = "upload",
                   .expected = absl::StrCat("at most ", kHeadersMax, " starts in one attempt"),
                   .found = "more"}));
  }
  EnvelopeHeader header{.plan = plan_.digest,
                        .round = entered.round,
                        .attempt = entered.attempt,
                        .participant = key_.public_key(),
                        .recipient = {},
                        .sequence = std::max(entered.sequence, sequence_seen) + 1,
                        .start = start,
                        .continues = continues,
                        .payload_bytes = payload_.size_bytes(),
                        .enc = {}};
  SealedHead head{.weight = update_.weight, .model_key = Secret::CopyOf(model_key_.span())};
  auto sender = EnvelopeSender::Make(plan_.plan, header, hpke_key_, head, key_, Draw("seal"));
  if (!sender.ok()) return Fail(sender.status());
  const Digest digest = sender->header_digest();
  auto upload = Upload::Make(*std::move(sender), key_.public_key(), plan_.plan.chunk_bytes, start,
                             payload_, store_);
  if (ErrorCode(upload.status()) == "tags_lost") {
    // The receipt could not be checked later: begin anew, which replaces what the aggregator has.
    return BeginAt(0, std::nullopt, sequence_seen, out);
  }
  if (!upload.ok()) return Fail(upload.status());
  entered.sequence = header.sequence;
  entered.headers.push_back(digest);
  if (absl::Status saved = store_.Save(memory_); !saved.ok()) return Fail(saved);
  upload_ = *std::move(upload);
  state_ = State::kPlacing;
  asked_ = false;
  resend_ = Resend::kNo;
  resent_at_.reset();
  out.push_back(upload_->BeginMessage());
}

void Session::OnProgress(const Progress& progress, Messages& out) {
  if (state_ != State::kPlacing && state_ != State::kSending) return;
  if (progress.round != binding_->round || progress.attempt != binding_->attempt)
    return Attest(out);

  if (upload_.has_value() && progress.header == upload_->sender().header_digest()) {
    const uint64_t before = upload_->acknowledged();
    if (asked_ && progress.next < before) {
      // A chunk that was taken did not open, which shows only when all of them are there.
      return GoOnAt(progress, out);
    }
    const bool resend =
        resend_ == Resend::kYes || (resend_ == Resend::kUnlessMoved && progress.next <= before);
    const uint64_t sealed_before = upload_->sealed();
    auto taken = upload_->Advance(progress.next, progress.credit, resend, out);
    if (!taken.ok()) return Fail(taken.status());
    if (!*taken) return;
    if (state_ == State::kPlacing || upload_->acknowledged() > before) {
      ++steps_;
      doubts_ = 0;
    } else if (upload_->sealed() > sealed_before) {
      ++steps_;  // room was given
    }
    if (resend) resent_at_ = upload_->acknowledged();
    state_ = State::kSending;
    asked_ = false;
    resend_ = Resend::kNo;
    return;
  }
  // Another header is in force, or none. Only an answer to a question asked after the last header
  // tells that; anything else may be older than it.
  if (!asked_) return;
  const std::vector<Digest>& own = memory_.entered->headers;
  const bool goes_on =
      progress.header.has_value() && std::count(own.begin(), own.end(), *progress.header) > 0;
  if (!goes_on) return BeginAt(0, std::nullopt, progress.sequence, out);
  if (progress.next < chunk_count_) return GoOnAt(progress, out);
  // All of it is there: what comes next is the receipt, or word of what is wrong.
  state_ = State::kSending;
  asked_ = false;
}

void Session::GoOnAt(const Progress& progress, Messages& out) {
  if (progress.next == 0) return BeginAt(0, std::nullopt, progress.sequence, out);
  BeginAt(progress.next, progress.header, progress.sequence, out);
}

absl::StatusOr<LogEntry> Session::OpenOwnReceipt(ByteSpan receipt) {
  Digest tags;
  if (upload_.has_value() && upload_->complete()) {
    tags = upload_->tags();
  } else {  // an earlier process sent the rest
    SEALFOLD_ASSIGN_OR_RETURN(Sha256Stream all, HashTags(store_, chunk_count_));
    tags = all.Peek();
  }
  return CheckReceipt(receipt, {.binding = *binding_,
                                .participant = key_.public_key(),
                                .headers = memory_.entered->headers,
                                .tags = tags});
}

void Session::OnReceipt(const ReceiptMessage& message, Messages& out) {
  if (state_ != State::kPlacing && state_ != State::kSending) return;
  absl::StatusOr<LogEntry> entry = OpenOwnReceipt(message.receipt);
  if (!entry.ok()) {
    last_problem_ = entry.status();
    if (++receipts_broken_ >= kReceiptsBrokenMax) return Fail(entry.status());
    return AskWhere(out);
  }
  memory_.entered->receipt = message.receipt;
  if (absl::Status saved = store_.Save(memory_); !saved.ok()) return Fail(saved);
  entry_ = *std::move(entry);
  ++steps_;
  state_ = State::kDone;
}

void Session::OnRefused(const RefusedMessage& refused, Messages& out) {
  last_problem_ = PeerRefusal(refused);
  const RefusalMeans meaning = MeaningOf(refused.code);
  if (meaning == RefusalMeans::kFinalIfRepeated && ++doubts_ >= kDoubtsMax)
    return Fail(last_problem_);
  // What else is refused before the upload is waited out: OnQuiet asks again.
  if (state_ == State::kAttesting) return;
  if (meaning == RefusalMeans::kFinal) return Fail(last_problem_);
  if (meaning == RefusalMeans::kAttestAgain) return Attest(out);
  if (meaning == RefusalMeans::kUnknown && ++doubts_ >= kDoubtsMax) return Fail(last_problem_);
  // Of the many refusals after one lost chunk only the first makes what follows it go out again.
  if (!upload_.has_value() || resent_at_ != upload_->acknowledged()) resend_ = Resend::kYes;
  if (!asked_) AskWhere(out);
}

}  // namespace sealfold
