#include "protocol/crypto/aead.h"

#include <openssl/err.h>
#include <openssl/evp.h>

#include <algorithm>
#include <climits>
#include <functional>
#include <utility>

#include "protocol/base/error.h"

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

bool SameStartOrDisjoint(ByteSpan in, ByteSpan out) {
  const std::less_equal<const uint8_t*> not_after;
  return in.data() == out.data() || in.empty() || out.empty() ||
         not_after(in.data() + in.size(), out.data()) ||
         not_after(out.data() + out.size(), in.data());
}

}  // namespace

size_t AeadKeySize(AeadId id) { return id == AeadId::kAes128Gcm ? 16 : 32; }

struct Aead::State {
  State() : context(EVP_CIPHER_CTX_new()) { SEALFOLD_CHECK(context != nullptr); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { EVP_CIPHER_CTX_free(context); }  // wipes the key

  // Begins a message in one direction: only the nonce is new, the key stays expanded.
  void Begin(bool seal, ByteSpan nonce, ByteSpan aad) {
    SEALFOLD_CHECK(nonce.size() == kAeadNonceSize);
    SEALFOLD_CHECK(
        EVP_CipherInit_ex(context, nullptr, nullptr, nullptr, nonce.data(), seal ? 1 : 0) == 1);
    if (!aad.empty()) Update(aad, nullptr);
  }

  // Of associated data if `out` is null.
  void Update(ByteSpan in, uint8_t* out) {
    SEALFOLD_CHECK(in.size() <= INT_MAX);
    int written = 0;
    SEALFOLD_CHECK(
        EVP_CipherUpdate(context, out, &written, in.data(), static_cast<int>(in.size())) == 1);
    SEALFOLD_CHECK(static_cast<size_t>(written) == in.size());
  }

  // False if the tag does not fit, when opening.
  bool Finish() {
    uint8_t unused[EVP_MAX_BLOCK_LENGTH];  // these modes leave nothing for the end
    int written = 0;
    return EVP_CipherFinal_ex(context, unused, &written) == 1 && written == 0;
  }

  EVP_CIPHER_CTX* context;
};

Aead::Aead(std::unique_ptr<State> state) : state_(std::move(state)) {}
Aead::Aead(Aead&&) noexcept = default;
Aead& Aead::operator=(Aead&&) noexcept = default;
Aead::~Aead() = default;

Aead Aead::Make(AeadId id, ByteSpan key) {
  const EVP_CIPHER* cipher = Fetch(id);
  SEALFOLD_CHECK(cipher != nullptr);
  SEALFOLD_CHECK(key.size() == AeadKeySize(id));
  auto state = std::make_unique<State>();
  SEALFOLD_CHECK(EVP_CipherInit_ex(state->context, cipher, nullptr, key.data(), nullptr, 1) == 1);
  return Aead(std::move(state));
}

void Aead::Seal(ByteSpan nonce, ByteSpan aad, ByteSpan plaintext, MutableByteSpan out) const {
  SEALFOLD_CHECK(out.size() == plaintext.size() + kAeadTagSize);
  SEALFOLD_CHECK(SameStartOrDisjoint(plaintext, out));
  state_->Begin(true, nonce, aad);
  if (!plaintext.empty()) state_->Update(plaintext, out.data());
  SEALFOLD_CHECK(state_->Finish());
  SEALFOLD_CHECK(EVP_CIPHER_CTX_ctrl(state_->context, EVP_CTRL_AEAD_GET_TAG, kAeadTagSize,
                                     out.data() + plaintext.size()) == 1);
}

absl::Status Aead::Open(ByteSpan nonce, ByteSpan aad, ByteSpan sealed, MutableByteSpan out) const {
  SEALFOLD_CHECK(sealed.size() == out.size() + kAeadTagSize);
  SEALFOLD_CHECK(SameStartOrDisjoint(sealed, out));
  const ByteSpan ciphertext = sealed.first(out.size());
  uint8_t tag[kAeadTagSize];  // a copy, because OpenSSL's parameter is not const
  std::copy(sealed.begin() + out.size(), sealed.end(), tag);
  state_->Begin(false, nonce, aad);
  SEALFOLD_CHECK(EVP_CIPHER_CTX_ctrl(state_->context, EVP_CTRL_AEAD_SET_TAG, kAeadTagSize, tag) ==
                 1);
  if (!ciphertext.empty()) state_->Update(ciphertext, out.data());
  if (state_->Finish()) return absl::OkStatus();
  Wipe(out);
  ERR_clear_error();
  return Refused({.code = "seal_broken",
                  .what = "sealed bytes",
                  .expected = "bytes sealed under this key, nonce and associated data",
                  .found = "an authentication tag that does not fit"});
}

}  // namespace sealfold
