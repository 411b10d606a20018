#include "protocol/envelope/sealed_stream.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr size_t kHeadBytes = 8;              // weight
constexpr size_t kHeadWithKeyBytes = 8 + 32;  // and model key
constexpr uint64_t kHeadSeq = 0;

// A message's number and whether it is the last of the stream: 8 bytes big-endian, then 0 or 1.
std::array<uint8_t, 9> MessageAad(uint64_t seq, bool last) {
  std::array<uint8_t, 9> aad;
  StoreBigEndian64(absl::MakeSpan(aad).first(8), seq);
  aad[8] = last ? 1 : 0;
  return aad;
}

Secret EncodeHead(const SealedHead& head) {
  SEALFOLD_CHECK(head.model_key.empty() || head.model_key.size() == kHeadWithKeyBytes - kHeadBytes);
  Secret out(kHeadBytes + head.model_key.size());
  StoreBigEndian64(out.mutable_span().first(kHeadBytes), head.weight.value());
  std::copy(head.model_key.span().begin(), head.model_key.span().end(),
            out.mutable_span().begin() + kHeadBytes);
  return out;
}

SealedHead DecodeHead(ByteSpan plain) {
  SealedHead head{.weight = Weight(LoadBigEndian64(plain.first(kHeadBytes))), .model_key = {}};
  if (plain.size() > kHeadBytes) head.model_key = Secret::CopyOf(plain.subspan(kHeadBytes));
  return head;
}

Bytes SealHead(const HpkeContext& context, const SealedHead& head) {
  const Secret plain = EncodeHead(head);
  Bytes sealed(plain.size() + kAeadTagSize);
  context.Seal(kHeadSeq, MessageAad(kHeadSeq, false), plain.span(), absl::MakeSpan(sealed));
  return sealed;
}

absl::StatusOr<SealedHead> OpenHead(const HpkeContext& context, ByteSpan sealed_head) {
  if (sealed_head.size() != kHeadBytes + kAeadTagSize &&
      sealed_head.size() != kHeadWithKeyBytes + kAeadTagSize) {
    return BadInput({.code = "head_length",
                     .what = "sealed head of an envelope",
                     .expected = absl::StrCat(kHeadBytes + kAeadTagSize, " or ",
                                              kHeadWithKeyBytes + kAeadTagSize, " bytes"),
                     .found = absl::StrCat(sealed_head.size(), " bytes")});
  }
  Secret plain(sealed_head.size() - kAeadTagSize);
  SEALFOLD_RETURN_IF_ERROR(
      context.Open(kHeadSeq, MessageAad(kHeadSeq, false), sealed_head, plain.mutable_span()));
  return DecodeHead(plain.span());
}

}  // namespace

uint64_t ChunkCount(uint64_t payload_bytes, uint64_t chunk_bytes) {
  SEALFOLD_CHECK(payload_bytes > 0 && chunk_bytes > 0);
  return (payload_bytes - 1) / chunk_bytes + 1;
}

uint64_t ChunkSizeBytes(uint64_t payload_bytes, uint64_t chunk_bytes, uint64_t index) {
  SEALFOLD_CHECK(index < ChunkCount(payload_bytes, chunk_bytes));
  return std::min(chunk_bytes, payload_bytes - index * chunk_bytes);
}

StreamSealer::StreamSealer(HpkeContext context, const SealedHead& head, uint64_t chunk_count,
                           uint64_t start)
    : context_(std::move(context)),
      sealed_head_(SealHead(context_, head)),
      chunk_count_(chunk_count),
      next_(start) {
  SEALFOLD_CHECK(start < chunk_count);
}

void StreamSealer::SealChunk(uint64_t index, ByteSpan plaintext, MutableByteSpan out) {
  SEALFOLD_CHECK(index >= next_ && index < chunk_count_);
  next_ = index + 1;
  context_.Seal(index + 1, MessageAad(index + 1, next_ == chunk_count_), plaintext, out);
}

StreamOpener::StreamOpener(HpkeContext context, SealedHead head, uint64_t chunk_count)
    : context_(std::move(context)), head_(std::move(head)), chunk_count_(chunk_count) {}

absl::StatusOr<StreamOpener> StreamOpener::Make(HpkeContext context, ByteSpan sealed_head,
                                                uint64_t chunk_count) {
  SEALFOLD_ASSIGN_OR_RETURN(SealedHead head, OpenHead(context, sealed_head));
  return StreamOpener(std::move(context), std::move(head), chunk_count);
}

absl::Status StreamOpener::OpenChunk(uint64_t index, ByteSpan sealed, MutableByteSpan out) const {
  SEALFOLD_CHECK(index < chunk_count_);
  if (sealed.size() != out.size() + kAeadTagSize) {
    return BadInput({.code = "chunk_length",
                     .what = absl::StrCat("sealed chunk ", index),
                     .expected = absl::StrCat(out.size() + kAeadTagSize, " bytes"),
                     .found = absl::StrCat(sealed.size(), " bytes")});
  }
  return context_.Open(index + 1, MessageAad(index + 1, index + 1 == chunk_count_), sealed, out);
}

}  // namespace sealfold
