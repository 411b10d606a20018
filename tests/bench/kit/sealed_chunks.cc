#include "tests/bench/kit/sealed_chunks.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <thread>
#include <utility>
#include <vector>

#include "protocol/base/error.h"

namespace sealfold::bench {
namespace {

constexpr size_t kRunBytes = 256u << 10;  // what a thread takes at a time

using Nonce = std::array<uint8_t, kAeadNonceSize>;

Nonce NonceOf(size_t index) {
  Nonce nonce = {};
  StoreBigEndian64(absl::MakeSpan(nonce).last(8), index);
  return nonce;
}

const ByteSpan kAad = AsBytes("index and last");

void OpenOne(const Aead& aead, size_t index, ByteSpan sealed, MutableByteSpan out) {
  SEALFOLD_CHECK(aead.Open(NonceOf(index), kAad, sealed, out).ok());
}

}  // namespace

SealedChunks::SealedChunks(AeadId id, size_t chunk_bytes, size_t count, Pages sealed)
    : id_(id),
      key_(AeadKeySize(id), 7),
      chunk_bytes_(chunk_bytes),
      count_(count),
      sealed_(std::move(sealed)) {}

absl::StatusOr<SealedChunks> SealedChunks::Make(AeadId id, size_t chunk_bytes,
                                                size_t plaintext_bytes) {
  const size_t count = std::max<size_t>(1, plaintext_bytes / chunk_bytes);
  SEALFOLD_ASSIGN_OR_RETURN(Pages sealed,
                            Pages::Map(count * (chunk_bytes + kAeadTagSize), Pages::Use::kSealed));
  SealedChunks chunks(id, chunk_bytes, count, std::move(sealed));
  const Aead aead = chunks.MakeAead();
  const Bytes plaintext(chunk_bytes, 3);
  const MutableByteSpan to = chunks.sealed_.Write();
  for (size_t i = 0; i < count; ++i) {
    aead.Seal(NonceOf(i), kAad, plaintext,
              to.subspan(i * (chunk_bytes + kAeadTagSize), chunk_bytes + kAeadTagSize));
  }
  return chunks;
}

ByteSpan SealedChunks::Chunk(size_t index) const {
  const size_t sealed_bytes = chunk_bytes_ + kAeadTagSize;
  return sealed_.span().subspan(index * sealed_bytes, sealed_bytes);
}

Timed SealedChunks::OpenStreaming(const Aead& aead, int threads) const {
  const auto call = [this, &aead, threads] {
    const size_t run = std::max<size_t>(1, kRunBytes / chunk_bytes_);
    std::atomic<size_t> next = 0;
    const auto work = [&] {
      Bytes opened(chunk_bytes_);
      for (size_t first = next.fetch_add(run); first < count_; first = next.fetch_add(run)) {
        for (size_t i = first; i < std::min(first + run, count_); ++i) {
          OpenOne(aead, i, Chunk(i), absl::MakeSpan(opened));
        }
      }
    };
    std::vector<std::thread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back(work);
    work();
    for (std::thread& other : others) other.join();
  };
  return {.call = call, .work = static_cast<double>(count_ * chunk_bytes_) / 1e9};
}

Timed SealedChunks::OpenInCache(const Aead& aead) const {
  const auto call = [this, &aead] {
    Bytes opened(chunk_bytes_);
    for (size_t i = 0; i < count_; ++i) OpenOne(aead, 0, Chunk(0), absl::MakeSpan(opened));
  };
  return {.call = call, .work = static_cast<double>(count_ * chunk_bytes_) / 1e9};
}

}  // namespace sealfold::bench
