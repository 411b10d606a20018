#include "protocol/envelope/sealed_chunks.h"

#include <array>
#include <utility>

#include "protocol/base/error.h"
#include "protocol/envelope/sealed_stream.h"

namespace sealfold {
namespace {

std::array<uint8_t, kAeadNonceSize> ChunkNonce(uint64_t index) {
  std::array<uint8_t, kAeadNonceSize> nonce{};
  StoreBigEndian64(absl::MakeSpan(nonce).subspan(4), index);
  return nonce;
}

}  // namespace

SealedChunks::SealedChunks(Aead aead, Bytes bound_to, uint64_t file_bytes, uint64_t chunk_bytes)
    : aead_(std::move(aead)),
      bound_to_(std::move(bound_to)),
      file_bytes_(file_bytes),
      chunk_bytes_(chunk_bytes),
      chunk_count_(ChunkCount(file_bytes, chunk_bytes)) {}

uint64_t SealedChunks::chunk_size_bytes(uint64_t index) const {
  return ChunkSizeBytes(file_bytes_, chunk_bytes_, index);
}

Bytes SealedChunks::Aad(uint64_t index) const {
  Bytes aad = bound_to_;
  aad.push_back(index + 1 == chunk_count_ ? 1 : 0);
  return aad;
}

void SealedChunks::SealChunk(uint64_t index, ByteSpan plaintext, MutableByteSpan out) const {
  SEALFOLD_CHECK(plaintext.size() == chunk_size_bytes(index));
  aead_.Seal(ChunkNonce(index), Aad(index), plaintext, out);
}

absl::Status SealedChunks::OpenChunk(uint64_t index, ByteSpan sealed, MutableByteSpan out) const {
  SEALFOLD_CHECK(out.size() == chunk_size_bytes(index) &&
                 sealed.size() == out.size() + kAeadTagSize);
  return aead_.Open(ChunkNonce(index), Aad(index), sealed, out);
}

uint64_t SealedChunksSizeBytes(uint64_t file_bytes, uint64_t chunk_bytes) {
  return file_bytes + ChunkCount(file_bytes, chunk_bytes) * kAeadTagSize;
}

}  // namespace sealfold
