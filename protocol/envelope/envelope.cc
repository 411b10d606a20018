#include "protocol/envelope/envelope.h"

#include <algorithm>
#include <array>

#include "absl/strings/str_cat.h"
#include "protocol/cbor/fields.h"
#include "protocol/cose/sign1.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

constexpr char kSignContext[] = "sealfold envelope 1";
constexpr cbor::Limits kHeaderLimits = {.size_bytes_max = 1024, .items_max = 32, .depth_max = 1};
constexpr size_t kHeadBytes = 8;              // weight
constexpr size_t kHeadWithKeyBytes = 8 + 32;  // and model key
constexpr uint64_t kHeadSeq = 0;

// What every message of a header is bound to: the header without what HPKE itself produces.
Bytes ContextInfo(const EnvelopeHeader& header) {
  EnvelopeHeader bound = header;
  bound.enc = SealingPublicKey();
  Bytes info = ToBytes(AsBytes("sealfold update 1"));
  Append(info, cbor::EncodeFields(bound));
  return info;
}

// A message's number and whether it is the last of the update: 8 bytes big-endian, then 0 or 1.
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

EnvelopeSender::EnvelopeSender(HpkeContext context, uint64_t chunk_count, uint64_t next)
    : context_(std::move(context)), chunk_count_(chunk_count), next_(next) {}

absl::StatusOr<EnvelopeSender> EnvelopeSender::Make(const Plan& plan, EnvelopeHeader header,
                                                    const SealingPublicKey& recipient,
                                                    const SealedHead& head, const SigningKey& key,
                                                    const Secret& ephemeral_seed) {
  const uint64_t chunk_count = ChunkCount(header.payload_bytes, plan.chunk_bytes);
  SEALFOLD_CHECK(header.start < chunk_count);
  SEALFOLD_CHECK(header.participant == key.public_key());
  header.recipient = Sha256(recipient.span());
  SEALFOLD_ASSIGN_OR_RETURN(
      HpkeContext context,
      HpkeContext::SetupSender(SuiteAead(plan.suite), recipient, ContextInfo(header),
                               HpkeKeyPair::Derive(ephemeral_seed)));
  header.enc = context.enc();
  EnvelopeSender sender(std::move(context), chunk_count, header.start);
  sender.signed_header_ = SignSign1(key, kSignContext, cbor::EncodeFields(header));
  sender.header_digest_ = Sha256(sender.signed_header_);
  const Secret plain_head = EncodeHead(head);
  sender.sealed_head_.resize(plain_head.size() + kAeadTagSize);
  sender.context_.Seal(kHeadSeq, MessageAad(kHeadSeq, false), plain_head.span(),
                       absl::MakeSpan(sender.sealed_head_));
  return sender;
}

void EnvelopeSender::SealChunk(uint64_t index, ByteSpan plaintext, MutableByteSpan out) {
  SEALFOLD_CHECK(index >= next_ && index < chunk_count_);
  next_ = index + 1;
  context_.Seal(index + 1, MessageAad(index + 1, next_ == chunk_count_), plaintext, out);
}

absl::StatusOr<OpenedHeader> OpenEnvelopeHeader(ByteSpan signed_header) {
  SEALFOLD_ASSIGN_OR_RETURN(Sign1 opened, OpenSign1(signed_header, kSignContext));
  SEALFOLD_ASSIGN_OR_RETURN(EnvelopeHeader header,
                            cbor::DecodeFields<EnvelopeHeader>(opened.payload, kHeaderLimits));
  if (opened.signer != header.participant) {
    return Refused({.code = "envelope_signer",
                    .what = "signer of an envelope",
                    .expected = header.participant.hex(),
                    .found = opened.signer.hex()});
  }
  return OpenedHeader{.header = std::move(header), .digest = Sha256(signed_header)};
}

EnvelopeReceiver::EnvelopeReceiver(HpkeContext context, SealedHead head, uint64_t chunk_count)
    : context_(std::move(context)), head_(std::move(head)), chunk_count_(chunk_count) {}

absl::StatusOr<EnvelopeReceiver> EnvelopeReceiver::Make(const Plan& plan,
                                                        const EnvelopeHeader& header,
                                                        const HpkeKeyPair& recipient,
                                                        ByteSpan sealed_head) {
  if (sealed_head.size() != kHeadBytes + kAeadTagSize &&
      sealed_head.size() != kHeadWithKeyBytes + kAeadTagSize) {
    return BadInput({.code = "head_length",
                     .what = "sealed head of an envelope",
                     .expected = absl::StrCat(kHeadBytes + kAeadTagSize, " or ",
                                              kHeadWithKeyBytes + kAeadTagSize, " bytes"),
                     .found = absl::StrCat(sealed_head.size(), " bytes")});
  }
  SEALFOLD_ASSIGN_OR_RETURN(HpkeContext context,
                            HpkeContext::SetupReceiver(SuiteAead(plan.suite), header.enc, recipient,
                                                       ContextInfo(header)));
  Secret plain_head(sealed_head.size() - kAeadTagSize);
  SEALFOLD_RETURN_IF_ERROR(
      context.Open(kHeadSeq, MessageAad(kHeadSeq, false), sealed_head, plain_head.mutable_span()));
  return EnvelopeReceiver(std::move(context), DecodeHead(plain_head.span()),
                          ChunkCount(header.payload_bytes, plan.chunk_bytes));
}

absl::Status EnvelopeReceiver::OpenChunk(uint64_t index, ByteSpan sealed,
                                         MutableByteSpan out) const {
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
