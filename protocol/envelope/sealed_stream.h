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

// Message 0 of `context`, which has sealed none under that number yet.
Bytes SealHead(const HpkeContext& context, const SealedHead& head);
// InvalidArgument ("head_length") or PermissionDenied ("seal_broken").
absl::StatusOr<SealedHead> OpenHead(const HpkeContext& context, ByteSpan sealed_head);

// Number of chunks of a payload. Requires: both > 0.
uint64_t ChunkCount(uint64_t payload_bytes, uint64_t chunk_bytes);
// Plaintext bytes of chunk `index`. Requires: index < ChunkCount.
uint64_t ChunkSizeBytes(uint64_t payload_bytes, uint64_t chunk_bytes, uint64_t index);

// Seals or opens chunk `index` as message index + 1. `out` has kAeadTagSize more, or less, than
// what goes in. OpenChunk: InvalidArgument ("chunk_length") or PermissionDenied ("seal_broken"),
// and then nothing is left in `out`.
void SealChunk(const HpkeContext& context, uint64_t index, bool last, ByteSpan plaintext,
               MutableByteSpan out);
absl::Status OpenChunk(const HpkeContext& context, uint64_t index, bool last, ByteSpan sealed,
                       MutableByteSpan out);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_ENVELOPE_SEALED_STREAM_H_
