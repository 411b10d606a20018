#include <sodium.h>

#include "protocol/base/error.h"
#include "protocol/crypto/aead/backend.h"

namespace sealfold {
namespace {

// libsodium keeps nothing between calls but the key itself.
class SodiumChaChaKey final : public AeadKey {
 public:
  explicit SodiumChaChaKey(ByteSpan key) : key_(Secret::CopyOf(key)) {}

  void Seal(ByteSpan nonce, ByteSpan aad, ByteSpan plaintext, MutableByteSpan out) const override {
    SEALFOLD_CHECK(crypto_aead_chacha20poly1305_ietf_encrypt_detached(
                       out.data(), out.last(kAeadTagSize).data(), nullptr, plaintext.data(),
                       plaintext.size(), aad.data(), aad.size(), nullptr, nonce.data(),
                       key_.span().data()) == 0);
  }

  bool Open(ByteSpan nonce, ByteSpan aad, ByteSpan sealed, MutableByteSpan out) const override {
    return crypto_aead_chacha20poly1305_ietf_decrypt_detached(
               out.data(), nullptr, sealed.data(), out.size(), sealed.last(kAeadTagSize).data(),
               aad.data(), aad.size(), nonce.data(), key_.span().data()) == 0;
  }

 private:
  Secret key_;
};

std::unique_ptr<const AeadKey> Make(AeadId id, ByteSpan key) {
  if (id != AeadId::kChaCha20Poly1305) return nullptr;
  return std::make_unique<SodiumChaChaKey>(key);
}

}  // namespace

AeadBackend SodiumAeadBackend() {
  return {.name = "libsodium", .version = sodium_version_string(), .make = &Make};
}

}  // namespace sealfold
