#include "aggregator/core/intake/intake.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregator/core/intake/credit_window.h"
#include "protocol/base/error.h"
#include "protocol/envelope/envelope.h"

namespace sealfold {
namespace {

absl::Status BadChunk(const std::string& code, const std::string& what, const std::string& expected,
                      const std::string& found, const std::string& advice) {
  return Refused(
      {.code = code, .what = what, .expected = expected, .found = found, .advice = advice});
}

absl::Status BadLayout(const std::string& code, absl::string_view what, uint64_t chunk,
                       const std::string& expected) {
  return BadChunk(code, absl::StrCat(what, " in chunk ", chunk), expected, "another",
                  "the upload was discarded: lay the payload out as the plan says");
}

// What was found stays unsaid where it is the participant's data.
absl::Status LateRefusal(const FoldBatch::Fault& fault, double range) {
  switch (fault.what) {
    case UpdateFault::kSealBroken:
      return BadChunk("seal_broken", absl::StrCat("chunk ", fault.chunk, " of the update"),
                      "bytes sealed under the header, number and key that it came with",
                      "an authentication tag that does not fit", "go on from this chunk");
    case UpdateFault::kOutOfRange:
      return BadChunk("out_of_range", absl::StrCat("elements of chunk ", fault.chunk),
                      absl::StrCat("finite, within [-", range, ", ", range, "]"),
                      "an element that is not",
                      "the upload was discarded: clip the update to the plan's range");
    case UpdateFault::kPaddingNotZero:
      return BadLayout("padding_not_zero", "bytes between tensors or blocks", fault.chunk, "zero");
    case UpdateFault::kScaleWrong:
      return BadLayout("block_scale_wrong", "scale of a block", fault.chunk,
                       "zero, or a positive normal float32 whose last 7 bits are zero");
    case UpdateFault::kElementWrong:
      return BadLayout("block_element_wrong", "element of a block", fault.chunk,
                       "-127 to 127, and 0 where the scale is 0");
    case UpdateFault::kPlaceWrong:
      return BadLayout("block_place_wrong", "place of an element", fault.chunk,
                       "one that its block has");
    case UpdateFault::kPlacesUnordered:
      break;
  }
  return BadLayout("block_places_unordered", "places in a block", fault.chunk,
                   "each above the one before it");
}

}  // namespace

struct Intake::Upload {
  Bytes session = {};
  uint64_t sequence = 0;
  Digest header = {};  // in force
  SealedUpdate update;
  CreditWindow credit;
  uint64_t reported = 0;  // the next chunk when progress was last sent
  bool has_room = false;
  uint64_t active_ms = 0;  // when it last moved: header, room, or chunk
  // Since when, and from which chunk on, it owes the next part of its chunks to those that wait.
  uint64_t pace_ms = 0;
  uint64_t pace_next = 0;

  void StartPace(uint64_t now_ms) {
    pace_ms = now_ms;
    pace_next = update.next();
  }
  // It loses its room StallMs() after.
  uint64_t StalledSinceMs() const { return std::min(active_ms, pace_ms); }
};

absl::StatusOr<std::unique_ptr<Intake>> Intake::Make(const RoundTerms& terms, const RoundKeys& keys,
                                                     Secret base_key, FoldMeans means) {
  SEALFOLD_ASSIGN_OR_RETURN(Sum sum, Sum::Make(terms.layout.sum_elements));
  SEALFOLD_ASSIGN_OR_RETURN(FoldQueue queue, FoldQueue::Make(terms, means));
  return std::unique_ptr<Intake>(
      new Intake(terms, keys, std::move(base_key), std::move(sum), std::move(queue)));
}

Intake::Intake(const RoundTerms& terms, const RoundKeys& keys, Secret base_key, Sum sum,
               FoldQueue queue)
    : terms_(terms),
      keys_(keys),
      hpke_key_(Sha256(keys.hpke().public_key().span())),
      base_key_(std::move(base_key)),
      sum_(std::move(sum)),
      budget_(terms.contract().staging_bytes_max),
      queue_(std::move(queue)) {}

Intake::~Intake() = default;

uint64_t Intake::StallMs() const {
  return std::max<uint64_t>(5000, terms_.contract().deadline_seconds * 100);
}

// What was complete when it closed is still folded.
bool Intake::TooLateFor(uint32_t participant) const {
  return closed_ && !uploads_.contains(participant);
}

UploadPosition Intake::Position(uint32_t participant) const {
  UploadPosition position;
  if (const auto it = sequences_.find(participant); it != sequences_.end()) {
    position.sequence_max = it->second;
  }
  if (const auto it = uploads_.find(participant); it != uploads_.end()) {
    position.header = it->second->header;
    position.next = it->second->update.next();
  }
  return position;
}

absl::Status Intake::OnBegin(const Bytes& session, const Begin& begin, ByteSpan sealed_head,
                             uint64_t now_ms, Actions& actions) {
  SEALFOLD_ASSIGN_OR_RETURN(OpenedHeader opened, OpenEnvelopeHeader(begin.header));
  const EnvelopeHeader& header = opened.header;
  SEALFOLD_ASSIGN_OR_RETURN(uint32_t participant, CheckAddressee(terms_, header));
  if (committed(participant)) {
    SendReceipt(session, participant, actions);
    return absl::OkStatus();
  }
  if (TooLateFor(participant)) return RoundClosed();
  const UploadPosition position = Position(participant);
  const auto under_way = uploads_.find(participant);
  if (position.header == opened.digest ||
      (under_way != uploads_.end() && under_way->second->update.complete())) {
    under_way->second->session = session;
    SendProgress(session, participant, now_ms, actions);
    return absl::OkStatus();
  }
  SEALFOLD_RETURN_IF_ERROR(CheckUpload(terms_, hpke_key_, header, position));
  SEALFOLD_ASSIGN_OR_RETURN(
      EnvelopeReceiver receiver,
      EnvelopeReceiver::Make(terms_.contract(), header, keys_.hpke(), sealed_head));
  const bool key_needed = terms_.base_key_commitment.has_value() && base_key_.empty();
  SEALFOLD_RETURN_IF_ERROR(CheckHead(terms_, receiver.head(), key_needed));
  if (header.start > 0) {
    const SealedUpdate& update = under_way->second->update;
    if (receiver.head().weight != update.weight()) {
      return BadChunk("weight_changed", "weight of the update",
                      "the weight of the header before it", "another",
                      "start the upload over to change it");
    }
    if (update.headers() >= HeadersMax()) {
      Discard(participant);
      ManageRoom(now_ms, actions);
      return BadChunk("headers_too_many", "headers of the upload",
                      absl::StrCat("at most ", HeadersMax()), "more",
                      "the upload was discarded: begin it again, from its first chunk");
    }
  }

  // Everything holds: from here on the header is in force.
  if (key_needed) base_key_ = Secret::CopyOf(receiver.head().model_key.span());
  sequences_[participant] = header.sequence;
  std::unique_ptr<Upload>& upload = uploads_[participant];
  if (header.start == 0) {
    if (upload == nullptr) WaitForRoom(participant, now_ms);
    // Starting over gives no more time.
    upload = std::make_unique<Upload>(
        Upload{.update = SealedUpdate(terms_.layout.size_bytes, terms_.contract().chunk_bytes),
               .credit = CreditWindow(terms_.contract().chunk_bytes),
               .has_room = upload != nullptr && upload->has_room,
               .pace_ms = upload != nullptr ? upload->pace_ms : now_ms});
  }
  upload->update.AddHeader(std::move(receiver));
  upload->session = session;
  upload->sequence = header.sequence;
  upload->header = opened.digest;
  upload->active_ms = now_ms;
  last_arrival_ms_ = now_ms;
  ++changes_;
  const bool had_room = upload->has_room;
  ManageRoom(now_ms, actions);  // whoever is given room hears of it
  if (had_room || !upload->has_room) SendProgress(session, participant, now_ms, actions);
  return absl::OkStatus();
}

absl::Status Intake::OnChunk(const Bytes& session, const Chunk& chunk, ByteSpan sealed,
                             uint64_t now_ms, Actions& actions) {
  SEALFOLD_ASSIGN_OR_RETURN(uint32_t participant, FindParticipant(terms_, chunk.participant));
  if (committed(participant)) {
    SendReceipt(session, participant, actions);
    return absl::OkStatus();
  }
  if (TooLateFor(participant)) return RoundClosed();
  const auto it = uploads_.find(participant);
  if (it == uploads_.end()) {
    SendProgress(session, participant, now_ms, actions);
    return BadChunk("no_upload", "upload of the participant", "a begin before its chunks", "none",
                    "begin the upload again, from its first chunk");
  }
  const SealedUpdate& update = it->second->update;
  if (update.complete()) {  // final, though it may wait to be folded
    SendProgress(session, participant, now_ms, actions);
    return absl::OkStatus();
  }
  uint64_t index = chunk.index;
  for (; index < update.next(); ++index) {  // those that came before
    if (sealed.size() <= update.chunk_size_bytes(index)) {
      SendProgress(session, participant, now_ms, actions);
      return absl::OkStatus();
    }
    sealed.remove_prefix(update.chunk_size_bytes(index));
  }
  absl::Status status = TakeChunks(participant, session, index, sealed, now_ms);
  if (!status.ok()) {
    SendProgress(session, participant, now_ms, actions);
    GiveRoom(now_ms, actions);
    return status;
  }
  if (update.complete()) {
    taking_.erase(participant);
    queue_.Add(participant, update, now_ms);
    ++changes_;
    return absl::OkStatus();
  }
  CreditWindow& credit = it->second->credit;
  const bool grown = credit.Take(update.next(), now_ms);
  const uint64_t unreported = update.next() - it->second->reported;
  if (grown || unreported >= std::max<uint64_t>(1, credit.chunks() / 2)) {
    SendProgress(session, participant, now_ms, actions);
  }
  return absl::OkStatus();
}

absl::Status Intake::TakeChunks(uint32_t participant, const Bytes& session, uint64_t index,
                                ByteSpan sealed, uint64_t now_ms) {
  Upload& upload = *uploads_.at(participant);
  const SealedUpdate& update = upload.update;
  if (index != update.next()) {
    return BadChunk("chunk_out_of_order", "number of the chunk", absl::StrCat(update.next()),
                    absl::StrCat(index), "go on from the chunk that the progress names");
  }
  if (!upload.has_room) {
    return BadChunk("chunk_without_credit", "credit of the upload", "at least one chunk", "none",
                    "wait for a progress that gives credit");
  }
  if (!update.header_covers_next()) {
    return BadChunk("header_needed", "header of the chunk", "one that starts with it",
                    "one that starts later", "go on with a new header");
  }
  if (!update.IsRunFrom(index, sealed.size())) {
    return BadChunk("chunk_size_wrong", absl::StrCat("size of sealed chunks from ", index, " on"),
                    absl::StrCat(update.chunk_size_bytes(index), " bytes, or more whole chunks"),
                    absl::StrCat(sealed.size(), " bytes"), "send the chunks again");
  }
  while (!sealed.empty()) {
    const uint64_t size = update.chunk_size_bytes(update.next());
    SEALFOLD_RETURN_IF_ERROR(TakeChunk(participant, session, sealed.first(size)));
    sealed.remove_prefix(size);
    last_arrival_ms_ = now_ms;
    upload.active_ms = now_ms;
    if (update.next() - upload.pace_next >= PaceChunks()) upload.StartPace(now_ms);
  }
  return absl::OkStatus();
}

absl::Status Intake::TakeChunk(uint32_t participant, const Bytes& session, ByteSpan sealed) {
  Upload& upload = *uploads_.at(participant);
  SealedUpdate& update = upload.update;
  // Anyone may name a participant; who has its key is there.
  if (session != upload.session || doubted_.contains(participant)) {
    const absl::Status own = update.CheckNext(sealed, queue_.Scratch(sealed.size() - kAeadTagSize));
    queue_.WipeScratch();
    SEALFOLD_RETURN_IF_ERROR(own);
    upload.session = session;
  }
  if (absl::Status status = update.Append(sealed); !status.ok()) {
    Discard(participant);
    return status;
  }
  ++chunks_taken_;
  if (update.next() % std::max<uint64_t>(1, terms_.chunk_count / 32) == 0) ++changes_;
  return absl::OkStatus();
}

bool Intake::NoMoreCompany() const {
  return closed_ || hurry_ || log_.size() + queue_.size() == terms_.participants.size() ||
         (!waiting_.empty() && taking_.empty());
}

void Intake::Fold(uint64_t now_ms, Actions& actions) {
  // A sum without updates is all zero, whatever was taken out of it.
  const FoldQueue::Outcome outcome = queue_.Step(sum_.Write(), log_.empty());
  for (const auto& [participant, fault] : outcome.faulty) {
    RefuseLate(participant, fault, now_ms, actions);
  }
  for (const uint32_t participant : outcome.folded) Commit(participant, actions);
}

void Intake::Commit(uint32_t participant, Actions& actions) {
  const Upload& upload = *uploads_.at(participant);
  weight_sum_ += upload.update.weight().value();
  receipts_[participant] = log_.size();
  log_.push_back({.plan = terms_.plan.digest,
                  .round = terms_.round,
                  .attempt = terms_.attempt,
                  .participant = terms_.contract().participants[participant].key,
                  .index = log_.size(),
                  .header = upload.header,
                  .tags = upload.update.tags()});
  SendReceipt(upload.session, participant, actions);
  Discard(participant);
}

void Intake::RefuseLate(uint32_t participant, const FoldBatch::Fault& fault, uint64_t now_ms,
                        Actions& actions) {
  Upload& upload = *uploads_.at(participant);
  const Bytes session = upload.session;
  if (fault.what == UpdateFault::kSealBroken && !closed_) {
    doubted_.insert(participant);
    upload.update.Truncate(fault.chunk);
    upload.active_ms = now_ms;
    upload.StartPace(now_ms);
    taking_.insert(participant);
    ++changes_;
  } else {
    Discard(participant);
  }
  ++refused_;
  Send(actions, session, RefusedMessage::Of(LateRefusal(fault, terms_.grid.range())));
  SendProgress(session, participant, now_ms, actions);
}

void Intake::Discard(uint32_t participant) {
  SEALFOLD_CHECK(uploads_.erase(participant) == 1);
  taking_.erase(participant);
  budget_.GiveBack(terms_.sealed_bytes);
  ++changes_;
}

// Those that have room owe nothing for the time that no one waited.
void Intake::WaitForRoom(uint32_t participant, uint64_t now_ms) {
  if (waiting_.empty()) {
    for (const uint32_t taking : taking_) uploads_.at(taking)->StartPace(now_ms);
  }
  waiting_.push_back(participant);
}

void Intake::GiveRoom(uint64_t now_ms, Actions& actions) {
  while (!waiting_.empty() && budget_.Take(terms_.sealed_bytes)) {
    const uint32_t participant = waiting_.front();
    waiting_.pop_front();
    Upload& upload = *uploads_.at(participant);
    upload.has_room = true;
    taking_.insert(participant);
    upload.active_ms = now_ms;
    upload.StartPace(now_ms);
    ++changes_;
    SendProgress(upload.session, participant, now_ms, actions);
  }
}

void Intake::ManageRoom(uint64_t now_ms, Actions& actions) {
  GiveRoom(now_ms, actions);
  // Payloads have one size, so each discard makes room for exactly one of those that wait. What is
  // complete makes room by being folded.
  while (!waiting_.empty() && !taking_.empty()) {
    const uint32_t stalled =
        *std::min_element(taking_.begin(), taking_.end(), [this](uint32_t a, uint32_t b) {
          return uploads_.at(a)->StalledSinceMs() < uploads_.at(b)->StalledSinceMs();
        });
    if (now_ms - uploads_.at(stalled)->StalledSinceMs() < StallMs()) return;
    const Bytes session = uploads_.at(stalled)->session;
    Discard(stalled);
    SendProgress(session, stalled, now_ms, actions);
    GiveRoom(now_ms, actions);
  }
}

void Intake::OnTick(uint64_t now_ms, Actions& actions) {
  const std::optional<uint64_t> due_ms = queue_.due_ms(last_arrival_ms_, NoMoreCompany());
  if (due_ms.has_value() && *due_ms <= now_ms) Fold(now_ms, actions);
  if (!closed_) ManageRoom(now_ms, actions);
}

std::optional<uint64_t> Intake::next_tick_ms() const {
  std::optional<uint64_t> tick_ms = queue_.due_ms(last_arrival_ms_, NoMoreCompany());
  if (waiting_.empty()) return tick_ms;
  for (const uint32_t participant : taking_) {
    const uint64_t stalled_ms = uploads_.at(participant)->StalledSinceMs() + StallMs();
    tick_ms = std::min(tick_ms.value_or(UINT64_MAX), stalled_ms);
  }
  return tick_ms;
}

absl::Status Intake::OnQuery(const Bytes& session, const Query& query, uint64_t now_ms,
                             Actions& actions) {
  SEALFOLD_RETURN_IF_ERROR(CheckPlanDigest(terms_, query.plan));
  SEALFOLD_ASSIGN_OR_RETURN(uint32_t participant, FindParticipant(terms_, query.participant));
  if (committed(participant)) {
    SendReceipt(session, participant, actions);
    return absl::OkStatus();
  }
  if (TooLateFor(participant)) return RoundClosed();
  SendProgress(session, participant, now_ms, actions);
  return absl::OkStatus();
}

void Intake::SendProgress(const Bytes& session, uint32_t participant, uint64_t now_ms,
                          Actions& actions) {
  Progress progress{.round = terms_.round,
                    .attempt = terms_.attempt,
                    .sequence = Position(participant).sequence_max,
                    .header = {}};
  if (const auto it = uploads_.find(participant); it != uploads_.end()) {
    Upload& upload = *it->second;
    progress.sequence = upload.sequence;
    progress.header = upload.header;
    progress.next = upload.update.next();
    if (session == upload.session) {  // anyone may ask
      upload.reported = progress.next;
      if (upload.has_room) upload.credit.Give(progress.next, now_ms);
    }
    if (upload.has_room) {
      progress.credit = std::min(upload.credit.chunks(), terms_.chunk_count - progress.next);
    }
  }
  Send(actions, session, progress);
}

void Intake::SendReceipt(const Bytes& session, uint32_t participant, Actions& actions) const {
  Send(actions, session,
       ReceiptMessage{.receipt = SignReceipt(log_[receipts_.at(participant)], keys_.record_key())});
}

void Intake::Close() {
  closed_ = true;
  waiting_.clear();
  while (!taking_.empty()) Discard(*taking_.begin());
  std::erase_if(uploads_, [](const auto& one) { return !one.second->has_room; });
}

}  // namespace sealfold
