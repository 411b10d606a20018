#include "aggregator/core/batch/sealed_update.h"

#include <algorithm>
#include <utility>

#include "protocol/base/error.h"

namespace sealfold {

SealedUpdate::SealedUpdate(uint64_t payload_bytes, uint64_t chunk_bytes)
    : payload_bytes_(payload_bytes),
      chunk_bytes_(chunk_bytes),
      chunk_count_(ChunkCount(payload_bytes, chunk_bytes)) {}

void SealedUpdate::AddHeader(EnvelopeReceiver receiver) {
  SEALFOLD_CHECK(!complete());
  SEALFOLD_CHECK(headers_.empty() || receiver.head().weight == weight());
  // One that opened nothing is replaced.
  if (!headers_.empty() && headers_.back().start == next_) headers_.pop_back();
  headers_.push_back({.start = next_, .receiver = std::move(receiver)});
  covers_next_ = true;
}

uint64_t SealedUpdate::size_bytes() const { return payload_bytes_ + chunk_count_ * kAeadTagSize; }

uint64_t SealedUpdate::chunk_size_bytes(uint64_t index) const {
  return ChunkSizeBytes(payload_bytes_, chunk_bytes_, index) + kAeadTagSize;
}

bool SealedUpdate::IsRunFrom(uint64_t index, uint64_t sealed_bytes) const {
  SEALFOLD_CHECK(index < chunk_count_);
  const uint64_t rest = size_bytes() - OffsetBytes(index);
  return sealed_bytes == rest ||
         (sealed_bytes > 0 && sealed_bytes < rest && sealed_bytes % OffsetBytes(1) == 0);
}

absl::Status SealedUpdate::Append(ByteSpan sealed) {
  SEALFOLD_CHECK(covers_next_ && sealed.size() == chunk_size_bytes(next_));
  if (pages_.size() == 0) {
    SEALFOLD_ASSIGN_OR_RETURN(pages_, Pages::Map(size_bytes(), Pages::Use::kSealed));
  }
  const MutableByteSpan to = pages_.Write().subspan(OffsetBytes(next_));
  std::copy(sealed.begin(), sealed.end(), to.begin());
  tags_.Update(sealed.last(kAeadTagSize));
  ++next_;
  return absl::OkStatus();
}

absl::Status SealedUpdate::CheckNext(ByteSpan sealed, MutableByteSpan scratch) const {
  SEALFOLD_CHECK(covers_next_ && sealed.size() == chunk_size_bytes(next_));
  return headers_.back().receiver.OpenChunk(next_, sealed,
                                            scratch.first(sealed.size() - kAeadTagSize));
}

ByteSpan SealedUpdate::chunk(uint64_t index) const {
  SEALFOLD_CHECK(index < next_);
  return pages_.span().subspan(OffsetBytes(index), chunk_size_bytes(index));
}

const EnvelopeReceiver& SealedUpdate::ReceiverOf(uint64_t index) const {
  const auto after =
      std::upper_bound(headers_.begin(), headers_.end(), index,
                       [](uint64_t chunk, const Header& header) { return chunk < header.start; });
  SEALFOLD_CHECK(after != headers_.begin());
  return (after - 1)->receiver;
}

absl::Status SealedUpdate::Open(uint64_t index, MutableByteSpan out) const {
  return ReceiverOf(index).OpenChunk(index, chunk(index), out);
}

void SealedUpdate::Truncate(uint64_t next) {
  SEALFOLD_CHECK(next <= next_);
  if (next == next_) return;
  next_ = next;
  // The header of the chunk that comes next stays, and covers it only if it was the last one.
  while (headers_.size() > 1 && headers_.back().start > next_) {
    headers_.pop_back();
    covers_next_ = false;
  }
  tags_ = Sha256Stream();
  for (uint64_t i = 0; i < next_; ++i) tags_.Update(chunk(i).last(kAeadTagSize));
}

}  // namespace sealfold
