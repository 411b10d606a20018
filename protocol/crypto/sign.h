// Ed25519 (RFC 8032) by libsodium: who signs a plan, an envelope, a receipt, a record.
#ifndef SEALFOLD_PROTOCOL_CRYPTO_SIGN_H_
#define SEALFOLD_PROTOCOL_CRYPTO_SIGN_H_

#include "protocol/base/secret.h"
#include "protocol/base/types.h"

namespace sealfold {

class SigningKey {
 public:
  static constexpr size_t kSeedSize = 32;
  // Requires: seed.size() == kSeedSize. The key is a function of the seed (RFC 8032, 5.1.5).
  static SigningKey FromSeed(const Secret& seed);

  const SigningPublicKey& public_key() const { return public_key_; }
  Signature Sign(ByteSpan message) const;
  // For a key file: the seed this key was made from.
  Secret CopySeed() const;

 private:
  SigningKey() = default;
  Secret secret_;  // 64 bytes, libsodium's form: seed, then public key
  SigningPublicKey public_key_;
};

// True if `signature` is `key`'s over `message`. Small-order keys and non-canonical signatures are
// refused.
bool VerifySignature(const SigningPublicKey& key, ByteSpan message, const Signature& signature);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_CRYPTO_SIGN_H_
