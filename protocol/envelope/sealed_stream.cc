#include "protocol/envelope/sealed_stream.h"

#include <algorithm>
#include <array>

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

}  // namespace

uint64_t ChunkCount(uint64_t payload_bytes, uint64_t chunk_bytes) {
  SEALFOLD_CHECK(payload_bytes > 0 && chunk_bytes > 0);
  return (payload_bytes - 1) / chunk_bytes + 1;
}

uint64_t ChunkSizeBytes(uint64_t payload_bytes, uint64_t chunk_bytes, uint64_t index) {
  SEALFOLD_CHECK(index < ChunkCount(payload_bytes, chunk_bytes));
  return std::min(chunk_bytes, payload_bytes - index * chunk_bytes);
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

void SealChunk(const HpkeContext& context, uint64_t index, bool last, ByteSpan plaintext,
               MutableByteSpan out) {
  context.Seal(index + 1, MessageAad(index + 1, last), plaintext, out);
}

absl::Status OpenChunk(const HpkeContext& context, uint64_t index, bool last, ByteSpan sealed,
                       MutableByteSpan out) {
  if (sealed.size() != out.size() + kAeadTagSize) {
    return BadInput({.code = "chunk_length",
                     .what = absl::StrCat("sealed chunk ", index),
                     .expected = absl::StrCat(out.size() + kAeadTagSize, " bytes"),
                     .found = absl::StrCat(sealed.size(), " bytes")});
  }
  return context.Open(index + 1, MessageAad(index + 1, last), sealed, out);
}

}  // namespace sealfold
