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
  window_.erase(window_.begin(), window_.begin() + static_cast<ptrdiff_t>(next - acknowledged_));
  acknowledged_ = next;

  const uint64_t window_chunks = std::max<uint64_t>(1, kWindowBytesMax / chunk_bytes_);
  const uint64_t allowed = std::min({credit, window_chunks, chunk_count() - next});
  if (resend) {
    const auto again = static_cast<ptrdiff_t>(std::min<uint64_t>(allowed, window_.size()));
    out.insert(out.end(), window_.begin(), window_.begin() + again);
  }
  while (sealed_ < next + allowed) {
    SEALFOLD_ASSIGN_OR_RETURN(Message chunk, SealNext());
    window_.push_back(chunk);
    out.push_back(std::move(chunk));
  }
  return true;
}

absl::StatusOr<Message> Upload::SealNext() {
  const uint64_t index = sealed_;
  const uint64_t size = ChunkSizeBytes(payload_->size_bytes(), chunk_bytes_, index);
  // Not zeroed first: every byte is written. What does not lie in memory is read to where it is
  // sealed.
  const std::shared_ptr<uint8_t[]> buffer =
      std::make_shared_for_overwrite<uint8_t[]>(size + kAeadTagSize);
  const MutableByteSpan sealed(buffer.get(), size + kAeadTagSize);
  sender_.SealChunk(index, payload_->Read(index * chunk_bytes_, sealed.first(size)), sealed);
  const ByteSpan tag = sealed.last(kAeadTagSize);
  // Before it can be on its way: a later process must be able to check the receipt.
  SEALFOLD_RETURN_IF_ERROR(store_->WriteTags(index, tag));
  tags_.Update(tag);
  ++sealed_;
  return Message{.head = cbor::EncodeFields(Chunk{.participant = participant_, .index = index}),
                 .bulk = SharedBytes(buffer, sealed)};
}

}  // namespace sealfold
