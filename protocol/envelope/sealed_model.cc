#include "protocol/envelope/sealed_model.h"

#include <array>

#include "absl/strings/str_cat.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/envelope.h"

namespace sealfold {
namespace {

constexpr char kLabel[] = "sealfold model key 1";

std::array<uint8_t, 8> BigEndian(uint64_t n) {
  std::array<uint8_t, 8> out;
  StoreBigEndian64(absl::MakeSpan(out), n);
  return out;
}

std::array<uint8_t, kAeadNonceSize> ChunkNonce(uint64_t index) {
  std::array<uint8_t, kAeadNonceSize> nonce{};
  StoreBigEndian64(absl::MakeSpan(nonce).subspan(4), index);
  return nonce;
}

Bytes WrapInfo(const SignedPlan& plan, Round round) {
  Bytes info = ToBytes(AsBytes(kLabel));
  Append(info, plan.digest.span());
  Append(info, BigEndian(round.value()));
  return info;
}

}  // namespace

Digest ModelKeyCommitment(ByteSpan model_key) { return Sha256({AsBytes(kLabel), model_key}); }

uint64_t SealedModelSizeBytes(uint64_t model_bytes, uint64_t chunk_bytes) {
  return model_bytes + ChunkCount(model_bytes, chunk_bytes) * kAeadTagSize;
}

SealedModel::SealedModel(const SignedPlan& plan, Round round, ByteSpan model_key,
                         uint64_t model_bytes)
    : plan_digest_(plan.digest),
      round_(round),
      aead_(Aead::Make(SuiteAead(plan.plan.suite), model_key)),
      model_bytes_(model_bytes),
      chunk_bytes_(plan.plan.chunk_bytes),
      chunk_count_(ChunkCount(model_bytes, plan.plan.chunk_bytes)) {}

uint64_t SealedModel::chunk_size_bytes(uint64_t index) const {
  return ChunkSizeBytes(model_bytes_, chunk_bytes_, index);
}

Bytes SealedModel::Aad(uint64_t index) const {
  Bytes aad = ToBytes(plan_digest_.span());
  Append(aad, BigEndian(round_.value()));
  aad.push_back(index + 1 == chunk_count_ ? 1 : 0);
  return aad;
}

void SealedModel::SealChunk(uint64_t index, ByteSpan plaintext, MutableByteSpan out) const {
  SEALFOLD_CHECK(plaintext.size() == chunk_size_bytes(index));
  aead_.Seal(ChunkNonce(index), Aad(index), plaintext, out);
}

absl::Status SealedModel::OpenChunk(uint64_t index, ByteSpan sealed, MutableByteSpan out) const {
  SEALFOLD_CHECK(out.size() == chunk_size_bytes(index) &&
                 sealed.size() == out.size() + kAeadTagSize);
  return aead_.Open(ChunkNonce(index), Aad(index), sealed, out);
}

absl::StatusOr<WrappedModelKey> WrapModelKey(const SignedPlan& plan, Round round,
                                             const PlanParticipant& participant, ByteSpan model_key,
                                             const Secret& ephemeral_seed) {
  SEALFOLD_ASSIGN_OR_RETURN(
      HpkeContext context,
      HpkeContext::SetupSender(SuiteAead(plan.plan.suite), participant.model_key,
                               WrapInfo(plan, round), HpkeKeyPair::Derive(ephemeral_seed)));
  WrappedModelKey wrapped{.participant = participant.key, .enc = context.enc(), .sealed = {}};
  wrapped.sealed.resize(model_key.size() + kAeadTagSize);
  context.Seal(0, {}, model_key, absl::MakeSpan(wrapped.sealed));
  return wrapped;
}

absl::StatusOr<Secret> UnwrapModelKey(const SignedPlan& plan, Round round,
                                      const WrappedModelKey& wrapped,
                                      const HpkeKeyPair& model_key_pair) {
  if (wrapped.sealed.size() != kModelKeySize + kAeadTagSize) {
    return BadInput({.code = "model_key_length",
                     .what = "wrapped model key",
                     .expected = absl::StrCat(kModelKeySize + kAeadTagSize, " bytes"),
                     .found = absl::StrCat(wrapped.sealed.size(), " bytes")});
  }
  SEALFOLD_ASSIGN_OR_RETURN(HpkeContext context,
                            HpkeContext::SetupReceiver(SuiteAead(plan.plan.suite), wrapped.enc,
                                                       model_key_pair, WrapInfo(plan, round)));
  Secret key(kModelKeySize);
  SEALFOLD_RETURN_IF_ERROR(context.Open(0, {}, wrapped.sealed, key.mutable_span()));
  return key;
}

}  // namespace sealfold
