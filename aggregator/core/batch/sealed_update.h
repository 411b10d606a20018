// What came of one update so far: its chunks as they were sealed, and what opens them.
#ifndef SEALFOLD_AGGREGATOR_CORE_BATCH_SEALED_UPDATE_H_
#define SEALFOLD_AGGREGATOR_CORE_BATCH_SEALED_UPDATE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "aggregator/core/memory/pages.h"
#include "protocol/base/bytes.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/envelope.h"

namespace sealfold {

// Chunks lie one after the other in one mapping, whose pages cost memory as they are filled; no
// chunk is in the clear. Moves, does not copy. Const members may be called by several threads at
// once.
class SealedUpdate {
 public:
  // No memory is taken yet. Requires: both > 0.
  SealedUpdate(uint64_t payload_bytes, uint64_t chunk_bytes);

  // A header whose receiver opens the chunks from next() on. Requires: next() < chunk_count(), and
  // the same weight as those before.
  void AddHeader(EnvelopeReceiver receiver);
  // In use: those that opened no chunk that is still here are forgotten.
  size_t headers() const { return headers_.size(); }
  // Whether the header added last opens the chunk that comes next.
  bool header_covers_next() const { return covers_next_; }
  // Requires: headers() > 0.
  Weight weight() const { return headers_.back().receiver.head().weight; }

  uint64_t chunk_count() const { return chunk_count_; }
  uint64_t next() const { return next_; }  // chunk
  bool complete() const { return next_ == chunk_count_; }
  // As they are sealed.
  uint64_t size_bytes() const;
  uint64_t chunk_size_bytes(uint64_t index) const;
  // Whether so many bytes are whole chunks from `index` on as they are sealed, one or more.
  // Requires: index < chunk_count().
  bool IsRunFrom(uint64_t index, uint64_t sealed_bytes) const;

  // The next chunk, which may be any bytes; "memory_short" if the system has no memory, and then
  // nothing changed. Requires: header_covers_next(), not complete, the chunk's size.
  absl::Status Append(ByteSpan sealed);
  // Whether `sealed` would be the next chunk as it was sealed ("seal_broken"). `scratch` has
  // chunk_bytes; the caller wipes it. Requires: as Append.
  absl::Status CheckNext(ByteSpan sealed, MutableByteSpan scratch) const;

  // Requires: index < next().
  ByteSpan chunk(uint64_t index) const;
  // Opens it into `out`, which has the plaintext's size; "seal_broken" leaves nothing there.
  absl::Status Open(uint64_t index, MutableByteSpan out) const;
  // SHA-256 of the tags of all chunks before next().
  Digest tags() const { return tags_.Peek(); }

  // Forgets the chunks from `next` on. Requires: next <= next().
  void Truncate(uint64_t next);

 private:
  uint64_t OffsetBytes(uint64_t index) const { return index * (chunk_bytes_ + kAeadTagSize); }

  struct Header {
    uint64_t start;  // first chunk
    EnvelopeReceiver receiver;
  };
  const EnvelopeReceiver& ReceiverOf(uint64_t index) const;

  uint64_t payload_bytes_;
  uint64_t chunk_bytes_;
  uint64_t chunk_count_;
  uint64_t next_ = 0;
  bool covers_next_ = false;
  std::vector<Header> headers_;  // by start
  Pages pages_;
  Sha256Stream tags_;
};

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_CORE_BATCH_SEALED_UPDATE_H_
