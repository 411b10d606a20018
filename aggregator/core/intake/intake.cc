#include "aggregator/core/intake/intake.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "aggregator/core/intake/payload.h"
#include "protocol/base/error.h"
#include "protocol/envelope/envelope.h"

namespace sealfold {
namespace {

absl::Status BadChunk(const std::string& code, const std::string& what, const std::string& expected,
                      const std::string& found, const std::string& advice) {
  return Refused(
      {.code = code, .what = what, .expected = expected, .found = found, .advice = advice});
}

}  // namespace

struct Intake::Upload {
  Bytes session = {};
  uint64_t sequence = 0;
  Digest header = {};
  EnvelopeReceiver receiver;
  StagedPayload staged;
  Sha256Stream tags = {};  // over the tags of the chunks before `next`
  uint64_t next = 0;       // chunk
  uint64_t reported = 0;   // `next` when progress was last sent
  bool has_room = false;
  uint64_t active_ms = 0;  // when it last moved: header, room, or chunk
};

absl::StatusOr<std::unique_ptr<Intake>> Intake::Make(const RoundTerms& terms, const RoundKeys& keys,
                                                     Secret base_key) {
  SEALFOLD_ASSIGN_OR_RETURN(Sum sum, Sum::Make(terms.layout.elements));
  return std::unique_ptr<Intake>(new Intake(terms, keys, std::move(base_key), std::move(sum)));
}

Intake::Intake(const RoundTerms& terms, const RoundKeys& keys, Secret base_key, Sum sum)
    : terms_(terms),
      keys_(keys),
      hpke_key_(Sha256(keys.hpke().public_key().span())),
      base_key_(std::move(base_key)),
      sum_(std::move(sum)),
      budget_(terms.contract().staging_bytes_max),
      scratch_(std::min(terms.contract().chunk_bytes, terms.layout.size_bytes)) {}

Intake::~Intake() = default;

uint64_t Intake::StallMs() const {
  return std::max<uint64_t>(5000, terms_.contract().deadline_seconds * 100);
}

UploadPosition Intake::Position(uint32_t participant) const {
  UploadPosition position;
  if (const auto it = sequences_.find(participant); it != sequences_.end()) {
    position.sequence_max = it->second;
  }
  if (const auto it = uploads_.find(participant); it != uploads_.end()) {
    position.header = it->second->header;
    position.next = it->second->next;
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
  if (closed_) return RoundClosed();
  const UploadPosition position = Position(participant);
  if (position.header == opened.digest) {
    uploads_.at(participant)->session = session;
    SendProgress(session, participant, actions);
    return absl::OkStatus();
  }
  SEALFOLD_RETURN_IF_ERROR(CheckUpload(terms_, hpke_key_, header, position));
  SEALFOLD_ASSIGN_OR_RETURN(
      EnvelopeReceiver receiver,
      EnvelopeReceiver::Make(terms_.contract(), header, keys_.hpke(), sealed_head));
  const bool key_needed = terms_.base_key_commitment.has_value() && base_key_.empty();
  SEALFOLD_RETURN_IF_ERROR(CheckHead(terms_, receiver.head(), key_needed));
  std::unique_ptr<Upload>& upload = uploads_[participant];
  if (header.start > 0 && receiver.head().weight != upload->receiver.head().weight) {
    return BadChunk("weight_changed", "weight of the update", "the weight of the header before it",
                    "another", "start the upload over to change it");
  }

  // Everything holds: from here on the header is in force.
  if (key_needed) base_key_ = Secret::CopyOf(receiver.head().model_key.span());
  sequences_[participant] = header.sequence;
  if (header.start > 0) {
    upload->receiver = std::move(receiver);
  } else {
    const bool had_room = upload != nullptr && upload->has_room;
    if (upload == nullptr) waiting_.push_back(participant);
    upload = std::make_unique<Upload>(Upload{.receiver = std::move(receiver),
                                             .staged = StagedPayload(terms_.layout.size_bytes),
                                             .has_room = had_room});
  }
  upload->session = session;
  upload->sequence = header.sequence;
  upload->header = opened.digest;
  upload->active_ms = now_ms;
  ++changes_;
  const bool had_room = upload->has_room;
  OnTick(now_ms, actions);  // whoever is given room hears of it
  if (had_room || !upload->has_room) SendProgress(session, participant, actions);
  return absl::OkStatus();
}

absl::Status Intake::OnChunk(const Bytes& session, const Chunk& chunk, ByteSpan sealed,
                             uint64_t now_ms, Actions& actions) {
  SEALFOLD_ASSIGN_OR_RETURN(uint32_t participant, FindParticipant(terms_, chunk.participant));
  if (committed(participant)) {
    SendReceipt(session, participant, actions);
    return absl::OkStatus();
  }
  if (closed_) return RoundClosed();
  const auto it = uploads_.find(participant);
  if (it == uploads_.end()) {
    SendProgress(session, participant, actions);
    return BadChunk("no_upload", "upload of the participant", "a begin before its chunks", "none",
                    "begin the upload again, from its first chunk");
  }
  if (chunk.index < it->second->next) {
    SendProgress(session, participant, actions);
    return absl::OkStatus();
  }
  const absl::Status status = TakeChunk(participant, session, chunk.index, sealed, now_ms);
  if (!status.ok()) {
    SendProgress(session, participant, actions);
    GiveRoom(now_ms, actions);
    return status;
  }
  Upload& upload = *it->second;
  if (upload.next == terms_.chunk_count) {
    Commit(participant, actions);
    GiveRoom(now_ms, actions);
    return absl::OkStatus();
  }
  if (upload.next % std::max<uint64_t>(1, terms_.chunk_count / 32) == 0) ++changes_;
  if (upload.next - upload.reported >= std::max<uint64_t>(1, CreditChunks() / 2)) {
    SendProgress(session, participant, actions);
  }
  return absl::OkStatus();
}

absl::Status Intake::TakeChunk(uint32_t participant, const Bytes& session, uint64_t index,
                               ByteSpan sealed, uint64_t now_ms) {
  Upload& upload = *uploads_.at(participant);
  if (index != upload.next) {
    return BadChunk("chunk_out_of_order", "number of the chunk", absl::StrCat(upload.next),
                    absl::StrCat(index), "go on from the chunk that the progress names");
  }
  if (!upload.has_room) {
    return BadChunk("chunk_without_credit", "credit of the upload", "at least one chunk", "none",
                    "wait for a progress that gives credit");
  }
  const uint64_t chunk_bytes = terms_.contract().chunk_bytes;
  const uint64_t size = ChunkSizeBytes(terms_.layout.size_bytes, chunk_bytes, index);
  if (sealed.size() != size + kAeadTagSize) {
    return BadChunk("chunk_size_wrong", absl::StrCat("size of sealed chunk ", index),
                    absl::StrCat(size + kAeadTagSize, " bytes"),
                    absl::StrCat(sealed.size(), " bytes"), "send the chunk again");
  }
  const MutableByteSpan plain = scratch_.mutable_span().first(size);
  SEALFOLD_RETURN_IF_ERROR(upload.receiver.OpenChunk(index, sealed, plain));
  ++chunks_opened_;
  absl::Status status = CheckPayload(terms_.layout, terms_.grid, index * chunk_bytes, plain);
  if (status.ok()) status = upload.staged.Append(plain);
  if (!status.ok()) {
    Discard(participant);
    return status;
  }
  upload.tags.Update(sealed.last(kAeadTagSize));
  upload.session = session;
  upload.active_ms = now_ms;
  ++upload.next;
  return absl::OkStatus();
}

void Intake::Commit(uint32_t participant, Actions& actions) {
  const auto it = uploads_.find(participant);
  Upload& upload = *it->second;
  SEALFOLD_CHECK(!closed_ && upload.has_room &&
                 upload.staged.filled_bytes() == terms_.layout.size_bytes);
  const Weight weight = upload.receiver.head().weight;
  const double scale = terms_.grid.Scale(weight);
  const absl::Span<int64_t> sum = sum_.Write();
  upload.staged.Drain([&](uint64_t offset_bytes, ByteSpan bytes) {
    FoldPayload(terms_.layout, scale, offset_bytes, bytes, sum);
  });
  weight_sum_ += weight.value();
  receipts_[participant] = log_.size();
  log_.push_back({.plan = terms_.plan.digest,
                  .round = terms_.round,
                  .attempt = terms_.attempt,
                  .participant = terms_.contract().participants[participant].key,
                  .index = log_.size(),
                  .header = upload.header,
                  .tags = upload.tags.Peek()});
  SendReceipt(upload.session, participant, actions);
  Discard(participant);
}

void Intake::Discard(uint32_t participant) {
  SEALFOLD_CHECK(uploads_.erase(participant) == 1);  // its memory is wiped
  SEALFOLD_CHECK(holding_.erase(participant) == 1);
  budget_.GiveBack(terms_.layout.size_bytes);
  Wipe(scratch_.mutable_span());
  ++changes_;
}

void Intake::GiveRoom(uint64_t now_ms, Actions& actions) {
  while (!waiting_.empty() && budget_.Take(terms_.layout.size_bytes)) {
    const uint32_t participant = waiting_.front();
    waiting_.pop_front();
    Upload& upload = *uploads_.at(participant);
    upload.has_room = true;
    holding_.insert(participant);
    upload.active_ms = now_ms;
    ++changes_;
    SendProgress(upload.session, participant, actions);
  }
}

void Intake::OnTick(uint64_t now_ms, Actions& actions) {
  GiveRoom(now_ms, actions);
  while (!waiting_.empty()) {
    // Payloads have one size, so each discard makes room for exactly one of those that wait.
    uint32_t stalled = 0;
    uint64_t active_ms_min = UINT64_MAX;
    for (const uint32_t participant : holding_) {
      const uint64_t active_ms = uploads_.at(participant)->active_ms;
      if (active_ms < active_ms_min) {
        stalled = participant;
        active_ms_min = active_ms;
      }
    }
    SEALFOLD_CHECK(active_ms_min != UINT64_MAX);  // a plan has room for at least one payload
    if (now_ms - active_ms_min < StallMs()) return;
    const Bytes session = uploads_.at(stalled)->session;
    Discard(stalled);
    SendProgress(session, stalled, actions);
    GiveRoom(now_ms, actions);
  }
}

std::optional<uint64_t> Intake::next_tick_ms() const {
  if (waiting_.empty()) return std::nullopt;
  uint64_t tick_ms = UINT64_MAX;
  for (const uint32_t participant : holding_) {
    tick_ms = std::min(tick_ms, uploads_.at(participant)->active_ms + StallMs());
  }
  return tick_ms;
}

absl::Status Intake::OnQuery(const Bytes& session, const Query& query, Actions& actions) {
  SEALFOLD_RETURN_IF_ERROR(CheckPlanDigest(terms_, query.plan));
  SEALFOLD_ASSIGN_OR_RETURN(uint32_t participant, FindParticipant(terms_, query.participant));
  if (committed(participant)) {
    SendReceipt(session, participant, actions);
    return absl::OkStatus();
  }
  if (closed_) return RoundClosed();
  SendProgress(session, participant, actions);
  return absl::OkStatus();
}

void Intake::SendProgress(const Bytes& session, uint32_t participant, Actions& actions) {
  Progress progress{.round = terms_.round,
                    .attempt = terms_.attempt,
                    .sequence = Position(participant).sequence_max,
                    .header = {}};
  if (const auto it = uploads_.find(participant); it != uploads_.end()) {
    Upload& upload = *it->second;
    upload.reported = upload.next;
    progress.sequence = upload.sequence;
    progress.header = upload.header;
    progress.next = upload.next;
    if (upload.has_room) {
      progress.credit = std::min(CreditChunks(), terms_.chunk_count - upload.next);
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
  while (!holding_.empty()) Discard(*holding_.begin());
  uploads_.clear();
}

}  // namespace sealfold
