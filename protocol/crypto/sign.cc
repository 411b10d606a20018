#include "protocol/crypto/sign.h"

#include <sodium.h>

#include "protocol/base/error.h"

namespace sealfold {

static_assert(SigningKey::kSeedSize == crypto_sign_SEEDBYTES);
static_assert(SigningPublicKey::kSize == crypto_sign_PUBLICKEYBYTES);
static_assert(Signature::kSize == crypto_sign_BYTES);

SigningKey SigningKey::FromSeed(const Secret& seed) {
  SEALFOLD_CHECK(sodium_init() >= 0);
  SEALFOLD_CHECK(seed.size() == kSeedSize);
  SigningKey key;
  key.secret_ = Secret(crypto_sign_SECRETKEYBYTES);
  SEALFOLD_CHECK(crypto_sign_seed_keypair(key.public_key_.data(), key.secret_.mutable_span().data(),
                                          seed.span().data()) == 0);
  return key;
}

Signature SigningKey::Sign(ByteSpan message) const {
  SEALFOLD_CHECK(!secret_.empty());
  Signature out;
  SEALFOLD_CHECK(crypto_sign_detached(out.data(), nullptr, message.data(), message.size(),
                                      secret_.span().data()) == 0);
  return out;
}

Secret SigningKey::CopySeed() const { return Secret::CopyOf(secret_.span().first(kSeedSize)); }

bool VerifySignature(const SigningPublicKey& key, ByteSpan message, const Signature& signature) {
  SEALFOLD_CHECK(sodium_init() >= 0);
  return crypto_sign_verify_detached(signature.data(), message.data(), message.size(),
                                     key.data()) == 0;
}

}  // namespace sealfold
