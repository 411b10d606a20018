// Raw opening: what anything that opens sealed updates is measured against.
#ifndef SEALFOLD_TESTS_BENCH_KIT_SEALED_CHUNKS_H_
#define SEALFOLD_TESTS_BENCH_KIT_SEALED_CHUNKS_H_

#include <cstddef>

#include "absl/status/statusor.h"
#include "aggregator/core/memory/pages.h"
#include "protocol/crypto/aead/aead.h"
#include "tests/bench/bench.h"

namespace sealfold::bench {

// Several times the largest cache, if figures are to mean something.
inline size_t StreamedBytes(const Report& report) {
  return report.options().tiny ? 1u << 20 : 256u << 20;
}

// Chunks sealed under one key, one after the other in memory of the kind that updates are staged
// in. Must outlive what it returns.
class SealedChunks {
 public:
  // As many chunks of `chunk_bytes` (of plaintext) as there are in `plaintext_bytes`; at least one.
  static absl::StatusOr<SealedChunks> Make(AeadId id, size_t chunk_bytes, size_t plaintext_bytes);

  // Their key, with the best library of this machine (or the one that is forced just now).
  Aead MakeAead() const { return Aead::Make(id_, key_); }

  // Opens each chunk once, from memory to a buffer of each thread that stays in its cache. The
  // calling thread is one of `threads`; the others live as long as the call. Work: GB of plaintext.
  Timed OpenStreaming(const Aead& aead, int threads) const;
  // The first chunk over and over, as often as there are chunks.
  Timed OpenInCache(const Aead& aead) const;

 private:
  SealedChunks(AeadId id, size_t chunk_bytes, size_t count, Pages sealed);
  ByteSpan Chunk(size_t index) const;
  AeadId id_;
  Bytes key_;
  size_t chunk_bytes_;
  size_t count_;
  Pages sealed_;
};

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_KIT_SEALED_CHUNKS_H_
