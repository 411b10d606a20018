#include "aggregator/core/state/sealed_state.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/crypto/aead/aead.h"
#include "protocol/crypto/hash.h"
#include "protocol/envelope/sealed_model.h"
#include "protocol/message/state_message.h"

namespace sealfold {
namespace {

constexpr cbor::Limits kLimits = {
    .size_bytes_max = kSealedStateBytesMax, .items_max = 32, .depth_max = 2};
constexpr uint8_t kNonce[kAeadNonceSize] = {};  // each key seals once

struct StateFile {
  static constexpr const char* kType = kSealedStateType;
  Bytes header;
  Bytes sealed;

  template <class V>
  void Fields(V& v) {
    v("header", header);
    v("sealed", sealed);
  }
};

Aead MakeAead(ByteSpan state_key, ByteSpan header) {
  SEALFOLD_CHECK(state_key.size() == kStateKeySize);
  const Secret prk = HkdfExtract(AsBytes("sealfold state 1"), {state_key});
  const Secret key = HkdfExpand(prk.span(), Sha256(header).span(), 32);
  return Aead::Make(AeadId::kAes256Gcm, key.span());
}

absl::Status Malformed(absl::string_view what, std::string expected, std::string found) {
  return BadInput({.code = "state_malformed",
                   .what = absl::StrCat(what, " of the sealed state"),
                   .expected = std::move(expected),
                   .found = std::move(found),
                   .advice = "hand back what the aggregator gave, as it is"});
}

size_t SealedSize(const StateHeader& header) {
  return SigningKey::kSeedSize + (header.model_key_commitment.has_value() ? kModelKeySize : 0) +
         kAeadTagSize;
}

}  // namespace

Bytes SealState(const StateHeader& header, ByteSpan state_key, const StateContent& content) {
  SEALFOLD_CHECK(SigningKey::FromSeed(content.identity_seed).public_key() == header.identity);
  SEALFOLD_CHECK(header.model_key_commitment.has_value()
                     ? ModelKeyCommitment(content.model_key.span()) == *header.model_key_commitment
                     : content.model_key.empty());
  StateFile file{.header = cbor::EncodeFields(header), .sealed = Bytes(SealedSize(header))};
  Secret plain(SealedSize(header) - kAeadTagSize);
  std::copy_n(content.identity_seed.span().begin(), SigningKey::kSeedSize,
              plain.mutable_span().begin());
  std::copy_n(content.model_key.span().begin(), content.model_key.size(),
              plain.mutable_span().begin() + SigningKey::kSeedSize);
  MakeAead(state_key, file.header)
      .Seal(kNonce, file.header, plain.span(), absl::MakeSpan(file.sealed));
  return cbor::EncodeFields(file);
}

absl::StatusOr<SealedState> DecodeSealedState(ByteSpan bytes) {
  SEALFOLD_ASSIGN_OR_RETURN(StateFile file, cbor::DecodeFields<StateFile>(bytes, kLimits));
  SealedState state{.header_bytes = std::move(file.header), .sealed = std::move(file.sealed)};
  SEALFOLD_ASSIGN_OR_RETURN(state.header,
                            cbor::DecodeFields<StateHeader>(state.header_bytes, kLimits));
  const StateHeader& header = state.header;
  if (header.blob.empty() || header.blob.size() > kStateKeyBlobSizeMax) {
    return Malformed("key's blob", absl::StrCat("1 to ", kStateKeyBlobSizeMax, " bytes"),
                     absl::StrCat(header.blob.size()));
  }
  if (header.record.has_value() != (header.round > 0) ||
      (header.model_key_commitment.has_value() && !header.record.has_value())) {
    return Malformed("record", "one from round 1 on, none before", "otherwise");
  }
  if (state.sealed.size() != SealedSize(header)) {
    return Malformed("sealed part", absl::StrCat(SealedSize(header), " bytes"),
                     absl::StrCat(state.sealed.size()));
  }
  return state;
}

absl::StatusOr<StateContent> OpenState(const SealedState& state, ByteSpan state_key) {
  Secret plain(state.sealed.size() - kAeadTagSize);
  SEALFOLD_RETURN_IF_ERROR(
      MakeAead(state_key, state.header_bytes)
          .Open(kNonce, state.header_bytes, state.sealed, plain.mutable_span()));
  StateContent content{.identity_seed = Secret::CopyOf(plain.span().first(SigningKey::kSeedSize)),
                       .model_key = Secret::CopyOf(plain.span().subspan(SigningKey::kSeedSize))};
  const SigningPublicKey identity = SigningKey::FromSeed(content.identity_seed).public_key();
  if (identity == state.header.identity) return content;
  return Malformed("identity", state.header.identity.hex(), identity.hex());
}

}  // namespace sealfold
