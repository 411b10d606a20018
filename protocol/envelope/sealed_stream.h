// The parts that every sealed stream of chunks has in common: message 0 of an HPKE context is a
// sealed head, message i + 1 is chunk i, and each is bound to its number and to whether it is the
// last (docs/PROTOCOL.md, "Envelope").
#ifndef SEALFOLD_PROTOCOL_ENVELOPE_SEALED_STREAM_H_
#define SEALFOLD_PROTOCOL_ENVELOPE_SEALED_STREAM_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "protocol/base/secret.h"
#include "protocol/base/types.h"
#include "protocol/crypto/hpke.h"

namespace sealfold {

// What only the aggregator may read. On the wire: weight (8 bytes, big-endian), then the key if
// there is one; not CBOR, so that the key never passes through a tree that is not wiped.
struct SealedHead {
  Weight weight;
  Secret model_key;  // empty, or 32 bytes: opens the sealed model this round starts from
};

// Number of chunks of a payload. Requires: both > 0.
uint64_t ChunkCount(uint64_t payload_bytes, uint64_t chunk_bytes);
// Plaintext bytes of chunk `index`. Requires: index < ChunkCount.
uint64_t ChunkSizeBytes(uint64_t payload_bytes, uint64_t chunk_bytes, uint64_t index);

// Seals the stream of one header. Moves, does not copy.
class StreamSealer {
 public:
  const Bytes& sealed_head() const { return sealed_head_; }
  uint64_t chunk_count() const { return chunk_count_; }
  // Seals chunk `index` into `out` (plaintext + kAeadTagSize). Requires: indices strictly rise from
  // the stream's start, each at most once; the plaintext has the chunk's size.
  void SealChunk(uint64_t index, ByteSpan plaintext, MutableByteSpan out);

 protected:
  // Requires: `context` has sealed nothing yet; start < chunk_count.
  StreamSealer(HpkeContext context, const SealedHead& head, uint64_t chunk_count, uint64_t start);

 private:
  HpkeContext context_;
  Bytes sealed_head_;
  uint64_t chunk_count_;
  uint64_t next_;
};

// Opens the stream of one header. Moves, does not copy.
class StreamOpener {
 public:
  const SealedHead& head() const { return head_; }
  uint64_t chunk_count() const { return chunk_count_; }
  // Opens chunk `index` into `out`, which has the chunk's plaintext size. InvalidArgument
  // ("chunk_length") or PermissionDenied ("seal_broken"), and then nothing is left in `out`.
  // Requires: index < chunk_count().
  absl::Status OpenChunk(uint64_t index, ByteSpan sealed, MutableByteSpan out) const;

  // InvalidArgument ("head_length") or PermissionDenied ("seal_broken").
  static absl::StatusOr<StreamOpener> Make(HpkeContext context, ByteSpan sealed_head,
                                           uint64_t chunk_count);

 private:
  StreamOpener(HpkeContext context, SealedHead head, uint64_t chunk_count);
  HpkeContext context_;
  SealedHead head_;
  uint64_t chunk_count_;
};

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_ENVELOPE_SEALED_STREAM_H_
