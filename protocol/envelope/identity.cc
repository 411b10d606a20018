#include "protocol/envelope/identity.h"

#include <string>

#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"
#include "protocol/cose/sign1.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

constexpr char kContext[] = "sealfold identity 1";
constexpr size_t kClaimBytesMax = 1024;
constexpr cbor::Limits kLimits = {.size_bytes_max = 256, .items_max = 16, .depth_max = 1};

struct IdentityClaim {
  static constexpr char kType[] = "identity";
  Digest binding = {};

  template <class V>
  void Fields(V& v) {
    v("binding", binding);
  }
};

absl::Status Wrong(std::string found) {
  return Refused({.code = "identity_wrong",
                  .what = "aggregator's identity",
                  .expected = "a claim that its key signed for what this evidence binds",
                  .found = std::move(found)});
}

}  // namespace

Secret IdentitySeed(ByteSpan state_key) {
  const Secret prk = HkdfExtract(AsBytes("sealfold identity 1"), {state_key});
  return HkdfExpand(prk.span(), AsBytes("ed25519"), SigningKey::kSeedSize);
}

Bytes SignIdentity(const SigningKey& identity, const Binding& binding) {
  return SignSign1(identity, kContext,
                   cbor::EncodeFields(IdentityClaim{.binding = binding.digest()}));
}

absl::StatusOr<SigningPublicKey> OpenIdentity(ByteSpan claim, const Binding& binding) {
  const absl::StatusOr<Sign1> opened = OpenSign1(claim, kContext, kClaimBytesMax);
  if (!opened.ok()) return Wrong(Explain(opened.status()).what);
  const absl::StatusOr<IdentityClaim> signed_claim =
      cbor::DecodeFields<IdentityClaim>(opened->payload, kLimits);
  if (!signed_claim.ok()) return Wrong(Explain(signed_claim.status()).what);
  if (signed_claim->binding != binding.digest()) return Wrong("one for another attempt's keys");
  return opened->signer;
}

}  // namespace sealfold
