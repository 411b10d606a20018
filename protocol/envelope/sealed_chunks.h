// A file under one key, in chunks: what sealed models and sealed data sets have in common
// (docs/PROTOCOL.md).
//
// Chunk i is sealed with nonce = 4 zero bytes ‖ i (8 bytes, big-endian) and aad = what the file is
// bound to ‖ 1 for the last chunk, else 0. The sealed file is the chunks one after the other. The
// key is drawn for one file.
#ifndef SEALFOLD_PROTOCOL_ENVELOPE_SEALED_CHUNKS_H_
#define SEALFOLD_PROTOCOL_ENVELOPE_SEALED_CHUNKS_H_

#include <cstdint>

#include "absl/status/status.h"
#include "protocol/crypto/aead/aead.h"

namespace sealfold {

// Seals or opens the chunks of one file, in any order; each index is sealed once. Moves, does not
// copy.
class SealedChunks {
 public:
  // Requires: both sizes > 0.
  SealedChunks(Aead aead, Bytes bound_to, uint64_t file_bytes, uint64_t chunk_bytes);
  uint64_t chunk_count() const { return chunk_count_; }
  // Plaintext bytes of chunk `index`; its sealed form has kAeadTagSize more.
  uint64_t chunk_size_bytes(uint64_t index) const;
  void SealChunk(uint64_t index, ByteSpan plaintext, MutableByteSpan out) const;
  // PermissionDenied ("seal_broken").
  absl::Status OpenChunk(uint64_t index, ByteSpan sealed, MutableByteSpan out) const;

 private:
  Bytes Aad(uint64_t index) const;
  Aead aead_;
  Bytes bound_to_;
  uint64_t file_bytes_;
  uint64_t chunk_bytes_;
  uint64_t chunk_count_;
};

// Size of the sealed chunks of a file of `file_bytes`. Requires: both > 0.
uint64_t SealedChunksSizeBytes(uint64_t file_bytes, uint64_t chunk_bytes);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_ENVELOPE_SEALED_CHUNKS_H_
