#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>
#include <vector>

#include "protocol/base/error.h"
#include "protocol/crypto/aead/backend.h"

namespace sealfold {
namespace {

// Fetched once and kept for the life of the process.
const EVP_CIPHER* Fetch(AeadId id) {
  static const EVP_CIPHER* const aes128 = EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr);
  static const EVP_CIPHER* const aes256 = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  static const EVP_CIPHER* const chacha = EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr);
  switch (id) {
    case AeadId::kAes128Gcm:
      return aes128;
    case AeadId::kAes256Gcm:
      return aes256;
    case AeadId::kChaCha20Poly1305:
      return chacha;
  }
  return nullptr;
}

// A context with its key expanded; one message at a time.
class Context {
 public:
  Context(const EVP_CIPHER* cipher, ByteSpan key)
      : context_(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free) {
    SEALFOLD_CHECK(context_ != nullptr);
    SEALFOLD_CHECK(EVP_CipherInit_ex(context_.get(), cipher, nullptr, key.data(), nullptr, 1) == 1);
  }

  // Begins a message in one direction: only the nonce is new, the key stays expanded.
  void Begin(bool seal, ByteSpan nonce, ByteSpan aad) {
    SEALFOLD_CHECK(EVP_CipherInit_ex(context_.get(), nullptr, nullptr, nullptr, nonce.data(),
                                     seal ? 1 : 0) == 1);
    if (!aad.empty()) Update(aad, nullptr);
  }

  // Of associated data if `out` is null.
  void Update(ByteSpan in, uint8_t* out) {
    int written = 0;
    SEALFOLD_CHECK(EVP_CipherUpdate(context_.get(), out, &written, in.data(),
                                    static_cast<int>(in.size())) == 1);
    SEALFOLD_CHECK(static_cast<size_t>(written) == in.size());
  }

  // False if the tag does not fit, when opening.
  bool Finish() {
    uint8_t unused[EVP_MAX_BLOCK_LENGTH];  // these modes leave nothing for the end
    int written = 0;
    return EVP_CipherFinal_ex(context_.get(), unused, &written) == 1 && written == 0;
  }

  void GetTag(MutableByteSpan tag) {
    SEALFOLD_CHECK(
        EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_GET_TAG, kAeadTagSize, tag.data()) == 1);
  }

  void SetTag(ByteSpan tag) {
    std::array<uint8_t, kAeadTagSize> copy;  // because OpenSSL's parameter is not const
    std::copy(tag.begin(), tag.end(), copy.begin());
    SEALFOLD_CHECK(
        EVP_CIPHER_CTX_ctrl(context_.get(), EVP_CTRL_AEAD_SET_TAG, kAeadTagSize, copy.data()) == 1);
  }

 private:
  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context_;  // wiped when freed
};

// A context serves one message at a time, so there are as many as threads ever worked at once; idle
// ones wait in a list. The first is made with the key, others when they are first needed.
class OpensslKey final : public AeadKey {
 public:
  OpensslKey(const EVP_CIPHER* cipher, ByteSpan key) : cipher_(cipher), key_(Secret::CopyOf(key)) {
    idle_.emplace_back(cipher, key);
  }

  void Seal(ByteSpan nonce, ByteSpan aad, ByteSpan plaintext, MutableByteSpan out) const override {
    Context context = Take();
    context.Begin(true, nonce, aad);
    if (!plaintext.empty()) context.Update(plaintext, out.data());
    SEALFOLD_CHECK(context.Finish());
    context.GetTag(out.last(kAeadTagSize));
    GiveBack(std::move(context));
  }

  bool Open(ByteSpan nonce, ByteSpan aad, ByteSpan sealed, MutableByteSpan out) const override {
    Context context = Take();
    context.Begin(false, nonce, aad);
    context.SetTag(sealed.last(kAeadTagSize));
    if (!out.empty()) context.Update(sealed.first(out.size()), out.data());
    const bool fits = context.Finish();
    if (!fits) ERR_clear_error();
    GiveBack(std::move(context));
    return fits;
  }

 private:
  Context Take() const {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!idle_.empty()) {
        Context context = std::move(idle_.back());
        idle_.pop_back();
        return context;
      }
    }
    return Context(cipher_, key_.span());
  }

  void GiveBack(Context context) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    idle_.push_back(std::move(context));
  }

  const EVP_CIPHER* cipher_;
  Secret key_;
  mutable std::mutex mutex_;
  mutable std::vector<Context> idle_;
};

std::unique_ptr<const AeadKey> Make(AeadId id, ByteSpan key) {
  const EVP_CIPHER* cipher = Fetch(id);
  SEALFOLD_CHECK(cipher != nullptr);
  return std::make_unique<OpensslKey>(cipher, key);
}

}  // namespace

AeadBackend OpensslAeadBackend() {
  return {.name = "openssl", .version = OpenSSL_version(OPENSSL_VERSION_STRING), .make = &Make};
}

}  // namespace sealfold
