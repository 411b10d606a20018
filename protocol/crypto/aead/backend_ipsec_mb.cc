// Through the library's direct functions: one call from start to tag, on a context of the caller's.
// The manager that lists them is needed only to learn which ones suit the processor. What they
// share between threads is an error number that nobody reads: the library's checks of its arguments
// set it, and ours come before.
#define NO_COMPAT_IMB_API_053  // macros with short names
#include <intel-ipsec-mb.h>

#include <array>
#include <optional>
#include <type_traits>

#include "protocol/base/error.h"
#include "protocol/crypto/aead/backend.h"

namespace sealfold {
namespace {

struct GcmCalls {
  aes_gcm_pre_t expand = nullptr;
  aes_gcm_enc_dec_t seal = nullptr;
  aes_gcm_enc_dec_t open = nullptr;
};

struct ChaChaCalls {
  chacha_poly_init_t init = nullptr;
  chacha_poly_enc_dec_update_t seal = nullptr;
  chacha_poly_enc_dec_update_t open = nullptr;
  chacha_poly_finalize_t finish = nullptr;
};

struct Calls {
  GcmCalls gcm128;
  GcmCalls gcm256;
  ChaChaCalls chacha;
};

// None where the processor lacks what the library needs, or its self-test failed.
std::optional<Calls> LoadCalls() {
  const std::unique_ptr<IMB_MGR, decltype(&free_mb_mgr)> manager(alloc_mb_mgr(0), &free_mb_mgr);
  SEALFOLD_CHECK(manager != nullptr);
  init_mb_mgr_auto(manager.get(), nullptr);
  const bool tested_well = (manager->features & IMB_FEATURE_SELF_TEST) == 0 ||
                           (manager->features & IMB_FEATURE_SELF_TEST_PASS) != 0;
  if (imb_get_errno(manager.get()) != 0 || !tested_well) return std::nullopt;
  // The library can emulate AES by tables, slowly.
  if ((manager->features & IMB_FEATURE_AESNI) == 0) return std::nullopt;
  return Calls{.gcm128 = {.expand = manager->gcm128_pre,
                          .seal = manager->gcm128_enc,
                          .open = manager->gcm128_dec},
               .gcm256 = {.expand = manager->gcm256_pre,
                          .seal = manager->gcm256_enc,
                          .open = manager->gcm256_dec},
               .chacha = {.init = manager->chacha20_poly1305_init,
                          .seal = manager->chacha20_poly1305_enc_update,
                          .open = manager->chacha20_poly1305_dec_update,
                          .finish = manager->chacha20_poly1305_finalize}};
}

// What is left of a message once its tag is known; wiped when it goes.
template <class T>
class Wiped {
 public:
  Wiped() = default;
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;
  ~Wiped() { Wipe(MutableByteSpan(reinterpret_cast<uint8_t*>(&value_), sizeof(value_))); }
  T* get() { return &value_; }

 private:
  static_assert(std::is_trivially_copyable_v<T>);
  T value_;
};
using Tag = std::array<uint8_t, kAeadTagSize>;

class IpsecMbGcmKey final : public AeadKey {
 public:
  IpsecMbGcmKey(const GcmCalls& calls, ByteSpan key) : calls_(calls), expanded_(kExpandedBytes) {
    SEALFOLD_CHECK(reinterpret_cast<uintptr_t>(expanded_.span().data()) % kAlignmentBytes == 0);
    calls_.expand(key.data(), reinterpret_cast<gcm_key_data*>(expanded_.mutable_span().data()));
  }

  void Seal(ByteSpan nonce, ByteSpan aad, ByteSpan plaintext, MutableByteSpan out) const override {
    Wiped<gcm_context_data> context;
    calls_.seal(expanded(), context.get(), out.data(), plaintext.data(), plaintext.size(),
                nonce.data(), aad.data(), aad.size(), out.last(kAeadTagSize).data(), kAeadTagSize);
  }

  bool Open(ByteSpan nonce, ByteSpan aad, ByteSpan sealed, MutableByteSpan out) const override {
    Wiped<gcm_context_data> context;
    Wiped<Tag> tag;
    calls_.open(expanded(), context.get(), out.data(), sealed.data(), out.size(), nonce.data(),
                aad.data(), aad.size(), tag.get()->data(), kAeadTagSize);
    return EqualConstantTime(*tag.get(), sealed.last(kAeadTagSize));
  }

 private:
  const gcm_key_data* expanded() const {
    return reinterpret_cast<const gcm_key_data*>(expanded_.span().data());
  }
  // The header aligns the structure only for those who define LINUX, as the library itself does.
  static constexpr size_t kAlignmentBytes = 64;
  static constexpr size_t kExpandedBytes =
      (sizeof(gcm_key_data) + kAlignmentBytes - 1) / kAlignmentBytes * kAlignmentBytes;
  GcmCalls calls_;
  Secret expanded_;
};

class IpsecMbChaChaKey final : public AeadKey {
 public:
  IpsecMbChaChaKey(const ChaChaCalls& calls, ByteSpan key)
      : calls_(calls), key_(Secret::CopyOf(key)) {}

  void Seal(ByteSpan nonce, ByteSpan aad, ByteSpan plaintext, MutableByteSpan out) const override {
    Run(calls_.seal, nonce, aad, plaintext, out.data(), out.last(kAeadTagSize));
  }

  bool Open(ByteSpan nonce, ByteSpan aad, ByteSpan sealed, MutableByteSpan out) const override {
    Wiped<Tag> tag;
    Run(calls_.open, nonce, aad, sealed.first(out.size()), out.data(), absl::MakeSpan(*tag.get()));
    return EqualConstantTime(*tag.get(), sealed.last(kAeadTagSize));
  }

 private:
  void Run(chacha_poly_enc_dec_update_t update, ByteSpan nonce, ByteSpan aad, ByteSpan in,
           uint8_t* out, MutableByteSpan tag) const {
    Wiped<chacha20_poly1305_context_data> context;
    calls_.init(key_.span().data(), context.get(), nonce.data(), aad.data(), aad.size());
    if (!in.empty()) update(key_.span().data(), context.get(), out, in.data(), in.size());
    calls_.finish(context.get(), tag.data(), tag.size());
  }
  ChaChaCalls calls_;
  Secret key_;
};

std::unique_ptr<const AeadKey> Make(AeadId id, ByteSpan key) {
  static const std::optional<Calls> calls = LoadCalls();
  if (!calls.has_value()) return nullptr;
  switch (id) {
    case AeadId::kAes128Gcm:
      return std::make_unique<IpsecMbGcmKey>(calls->gcm128, key);
    case AeadId::kAes256Gcm:
      return std::make_unique<IpsecMbGcmKey>(calls->gcm256, key);
    case AeadId::kChaCha20Poly1305:
      return std::make_unique<IpsecMbChaChaKey>(calls->chacha, key);
  }
  return nullptr;
}

}  // namespace

AeadBackend IpsecMbAeadBackend() {
  return {.name = "ipsec-mb", .version = imb_get_version_str(), .make = &Make};
}

}  // namespace sealfold
