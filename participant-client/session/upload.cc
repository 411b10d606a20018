#include "participant-client/session/upload.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/crypto/aead/aead.h"

namespace sealfold {
namespace {

constexpr uint64_t kTagsPerRead = 4096;

}  // namespace

absl::StatusOr<Sha256Stream> HashTags(SessionStore& store, uint64_t count) {
  Sha256Stream stream;
  Bytes buffer(std::min(count, kTagsPerRead) * kAeadTagSize);
  for (uint64_t done = 0; done < count;) {
    const uint64_t part = std::min(kTagsPerRead, count - done);
    MutableByteSpan tags = absl::MakeSpan(buffer).first(part * kAeadTagSize);
    SEALFOLD_RETURN_IF_ERROR(store.ReadTags(done, tags));
    stream.Update(tags);
    done += part;
  }
  return stream;
}

Upload::Upload(EnvelopeSender sender, const SigningPublicKey& participant, uint64_t chunk_bytes,
               PayloadSource& payload, SessionStore& store)
    : sender_(std::move(sender)),
      participant_(participant),
      chunk_bytes_(chunk_bytes),
      payload_(&payload),
      store_(&store) {}

absl::StatusOr<Upload> Upload::Make(EnvelopeSender sender, const SigningPublicKey& participant,
                                    uint64_t chunk_bytes, uint64_t start, PayloadSource& payload,
                                    SessionStore& store) {
  Upload upload(std::move(sender), participant, chunk_bytes, payload, store);
  SEALFOLD_ASSIGN_OR_RETURN(upload.tags_, HashTags(store, start));
  upload.acknowledged_ = start;
  upload.sealed_ = start;
  return upload;
}

Message Upload::BeginMessage() const {
  return {.head = cbor::EncodeFields(Begin{.header = sender_.signed_header()}),
          .bulk = sender_.sealed_head()};
}

absl::StatusOr<bool> Upload::Advance(uint64_t next, uint64_t credit, bool resend,
                                     std::vector<Message>& out) {
  if (next > sealed_) return false;
  if (next < acknowledged_) return true;
  acknowledged_ = next;
  while (!window_.empty() && window_.front().end <= next) window_.pop_front();

  const uint64_t window_chunks = std::max<uint64_t>(1, kWindowBytesMax / chunk_bytes_);
  const uint64_t end = next + std::min({credit, window_chunks, chunk_count() - next});
  if (resend) {
    for (const Run& run : window_) {
      if (run.first >= end) break;
      out.push_back(ToMessage(run, std::max(run.first, next), std::min(run.end, end)));
    }
  }
  const uint64_t message_chunks = std::clamp<uint64_t>(
      kMessageBulkBytesMax / (chunk_bytes_ + kAeadTagSize), 1, kMessageChunksMax);
  while (sealed_ < end) {
    SEALFOLD_ASSIGN_OR_RETURN(Run run, SealNext(std::min(end - sealed_, message_chunks)));
    out.push_back(ToMessage(run, run.first, run.end));
    window_.push_back(std::move(run));
  }
  return true;
}

uint64_t Upload::SealedBytes(uint64_t first, uint64_t end) const {
  const uint64_t payload_end = std::min(end * chunk_bytes_, payload_->size_bytes());
  return payload_end - first * chunk_bytes_ + (end - first) * kAeadTagSize;
}

absl::StatusOr<Upload::Run> Upload::SealNext(uint64_t count) {
  Run run{.first = sealed_, .end = sealed_ + count, .sealed = {}};
  // Not zeroed first: every byte is written. What does not lie in memory is read to where it is
  // sealed.
  const uint64_t size = SealedBytes(run.first, run.end);
  const std::shared_ptr<uint8_t[]> buffer = std::make_shared_for_overwrite<uint8_t[]>(size);
  MutableByteSpan rest(buffer.get(), size);
  Bytes tags;
  for (uint64_t index = run.first; index < run.end; ++index) {
    const MutableByteSpan sealed = rest.first(SealedBytes(index, index + 1));
    rest.remove_prefix(sealed.size());
    const MutableByteSpan plain = sealed.first(sealed.size() - kAeadTagSize);
    sender_.SealChunk(index, payload_->Read(index * chunk_bytes_, plain), sealed);
    Append(tags, sealed.last(kAeadTagSize));
  }
  // Before it can be on its way: a later process must be able to check the receipt.
  SEALFOLD_RETURN_IF_ERROR(store_->WriteTags(run.first, tags));
  tags_.Update(tags);
  sealed_ = run.end;
  run.sealed = SharedBytes(buffer, {buffer.get(), size});
  return run;
}

// Chunks `first` to `end` of `run`.
Message Upload::ToMessage(const Run& run, uint64_t first, uint64_t end) const {
  return {.head = cbor::EncodeFields(Chunk{.participant = participant_, .index = first}),
          .bulk = run.sealed.Part(SealedBytes(run.first, first), SealedBytes(first, end))};
}

}  // namespace sealfold
