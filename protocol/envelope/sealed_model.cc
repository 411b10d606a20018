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

Bytes BoundTo(const SignedPlan& plan, Round round) {
  Bytes bound = ToBytes(plan.digest.span());
  Append(bound, BigEndian(round.value()));
  return bound;
}

Bytes WrapInfo(const SignedPlan& plan, Round round) {
  Bytes info = ToBytes(AsBytes(kLabel));
  Append(info, BoundTo(plan, round));
  return info;
}

}  // namespace

Digest ModelKeyCommitment(ByteSpan model_key) { return Sha256({AsBytes(kLabel), model_key}); }

uint64_t SealedModelSizeBytes(uint64_t model_bytes, uint64_t chunk_bytes) {
  return SealedChunksSizeBytes(model_bytes, chunk_bytes);
}

SealedModel::SealedModel(const SignedPlan& plan, Round round, ByteSpan model_key,
                         uint64_t model_bytes)
    : SealedChunks(Aead::Make(SuiteAead(plan.plan.suite), model_key), BoundTo(plan, round),
                   model_bytes, plan.plan.chunk_bytes) {}

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
