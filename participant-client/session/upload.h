// The sealing side of one upload under one header: chunks in order, a bounded window of those not
// yet acknowledged, and the running hash of all their tags.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_SESSION_UPLOAD_H_
#define SEALFOLD_PARTICIPANT_CLIENT_SESSION_UPLOAD_H_

#include <cstdint>
#include <deque>
#include <vector>

#include "absl/status/statusor.h"
#include "participant-client/memory/session_store.h"
#include "participant-client/update/payload_source.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/envelope.h"
#include "protocol/message/message.h"

namespace sealfold {

// Sealed bytes that may be under way or waiting to be sent again, whatever the aggregator allows;
// at least one chunk.
inline constexpr uint64_t kWindowBytesMax = 32u << 20;

// Chunks sealed and sent as one message: each message wakes a thread in three programs.
inline constexpr uint64_t kMessageChunksMax = 8;

class Upload {
 public:
  // `sender` seals chunks from `start` on. The tags of the chunks before come from `store`:
  // "tags_lost" if they are gone. The references outlive the upload.
  static absl::StatusOr<Upload> Make(EnvelopeSender sender, const SigningPublicKey& participant,
                                     uint64_t chunk_bytes, uint64_t start, PayloadSource& payload,
                                     SessionStore& store);

  const EnvelopeSender& sender() const { return sender_; }
  uint64_t chunk_count() const { return sender_.chunk_count(); }
  uint64_t sealed() const { return sealed_; }              // chunks sealed so far, counted from 0
  uint64_t acknowledged() const { return acknowledged_; }  // chunks that the aggregator has
  bool complete() const { return sealed_ == chunk_count(); }

  Message BeginMessage() const;

  // The aggregator has every chunk below `next` and takes `credit` more. Appends the chunks to
  // send: new ones, each recorded in the store before; with `resend` first those of the window that
  // are not acknowledged. False, and nothing done, if `next` is beyond what was sealed. An older
  // `next` than the one known is ignored.
  absl::StatusOr<bool> Advance(uint64_t next, uint64_t credit, bool resend,
                               std::vector<Message>& out);

  // SHA-256 of all tags. Requires: complete().
  Digest tags() const { return tags_.Peek(); }

 private:
  Upload(EnvelopeSender sender, const SigningPublicKey& participant, uint64_t chunk_bytes,
         PayloadSource& payload, SessionStore& store);
  // Sealed chunks that follow one another.
  struct Run {
    uint64_t first;  // chunk
    uint64_t end;
    SharedBytes sealed;
  };
  uint64_t SealedBytes(uint64_t first, uint64_t end) const;
  absl::StatusOr<Run> SealNext(uint64_t count);
  Message ToMessage(const Run& run, uint64_t first, uint64_t end) const;

  EnvelopeSender sender_;
  SigningPublicKey participant_;
  uint64_t chunk_bytes_;
  PayloadSource* payload_;
  SessionStore* store_;
  Sha256Stream tags_;
  std::deque<Run> window_;  // with chunks acknowledged_ to sealed_
  uint64_t acknowledged_ = 0;
  uint64_t sealed_ = 0;
};

// SHA-256 of `count` tags in `store`. "tags_lost" if some are gone.
absl::StatusOr<Sha256Stream> HashTags(SessionStore& store, uint64_t count);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_SESSION_UPLOAD_H_
