#include "attest/keybroker/store/store_seal.h"

#include <sodium.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"

namespace sealfold {
namespace {

constexpr uint8_t kMagic[] = {'S', 'F', 'K', 'S', 1};
constexpr size_t kSaltSize = crypto_pwhash_argon2id_SALTBYTES;
constexpr size_t kNonceSize = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr size_t kTagSize = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr size_t kSaltAt = sizeof(kMagic) + 8;
constexpr size_t kNonceAt = kSaltAt + kSaltSize;
constexpr size_t kHeaderSize = kNonceAt + kNonceSize;
constexpr uint8_t kKeyMagic[] = {'S', 'F', 'K', 'S', 2};
constexpr size_t kKeptAt = sizeof(kKeyMagic) + 2;

bool BeginsWith(ByteSpan bytes, ByteSpan magic) {
  return bytes.size() >= magic.size() && std::equal(magic.begin(), magic.end(), bytes.begin());
}

bool Allowed(const PassphraseCost& cost) {
  return cost.operations >= 1 && cost.operations <= 16 && cost.memory_kib >= 8 &&
         cost.memory_kib <= 1 << 20;
}

absl::Status Malformed(std::string found) {
  return BadInput({.code = "store_malformed",
                   .what = "key store",
                   .expected = "a file that sealfold-keybroker wrote",
                   .found = std::move(found)});
}

// Empty where there is not enough memory.
Secret StoreKey(ByteSpan passphrase, const PassphraseCost& cost, ByteSpan salt) {
  Secret key(crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
  if (crypto_pwhash(key.mutable_span().data(), key.size(),
                    reinterpret_cast<const char*>(passphrase.data()), passphrase.size(),
                    salt.data(), cost.operations, size_t{cost.memory_kib} * 1024,
                    crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return {};
  }
  return key;
}

// `header` ends with a fresh nonce, which the content is sealed under, with all of the header as
// associated data; out come the header and what is sealed.
Bytes SealAfter(ByteSpan header, const Secret& key, const Secret& content) {
  Bytes out(header.size() + content.size() + kTagSize);
  std::copy(header.begin(), header.end(), out.begin());
  SEALFOLD_CHECK(crypto_aead_xchacha20poly1305_ietf_encrypt(
                     out.data() + header.size(), nullptr, content.span().data(), content.size(),
                     header.data(), header.size(), nullptr, header.last(kNonceSize).data(),
                     key.span().data()) == 0);
  return out;
}

// Empty unless `sealed` has more than header and tag, and SealAfter made it with `key`.
Secret OpenAfter(size_t header_size, const Secret& key, ByteSpan sealed) {
  const ByteSpan header = sealed.first(header_size);
  Secret content(sealed.size() - header_size - kTagSize);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(
          content.mutable_span().data(), nullptr, nullptr, sealed.data() + header_size,
          sealed.size() - header_size, header.data(), header.size(), header.last(kNonceSize).data(),
          key.span().data()) != 0) {
    return {};
  }
  return content;
}

}  // namespace

Bytes SealWithPassphrase(ByteSpan passphrase, const PassphraseCost& cost, const Secret& content) {
  SEALFOLD_CHECK(sodium_init() >= 0 && Allowed(cost) && !content.empty());
  Bytes header(kHeaderSize);
  std::copy(std::begin(kMagic), std::end(kMagic), header.begin());
  StoreBigEndian64(MutableByteSpan(header).subspan(sizeof(kMagic), 8),
                   uint64_t{cost.operations} << 32 | cost.memory_kib);
  FillRandom(MutableByteSpan(header).subspan(kSaltAt, kSaltSize + kNonceSize));
  const Secret key = StoreKey(passphrase, cost, ByteSpan(header).subspan(kSaltAt, kSaltSize));
  SEALFOLD_CHECK(!key.empty());  // as when memory for anything else is out
  return SealAfter(header, key, content);
}

absl::StatusOr<Secret> OpenWithPassphrase(ByteSpan passphrase, ByteSpan sealed) {
  SEALFOLD_CHECK(sodium_init() >= 0);
  if (BeginsWith(sealed, kKeyMagic)) {
    return BadInput({.code = "store_under_key",
                     .what = "key store",
                     .expected = "one under a passphrase",
                     .found = "one whose key something else keeps",
                     .advice = "open it as it was made, with --tpm"});
  }
  if (sealed.size() > kSealedStoreSizeMax || sealed.size() <= kHeaderSize + kTagSize ||
      !std::equal(std::begin(kMagic), std::end(kMagic), sealed.begin())) {
    return Malformed("something else");
  }
  const uint64_t numbers = LoadBigEndian64(sealed.subspan(sizeof(kMagic), 8));
  const PassphraseCost cost{.operations = static_cast<uint32_t>(numbers >> 32),
                            .memory_kib = static_cast<uint32_t>(numbers)};
  if (!Allowed(cost)) return Malformed("a cost of the passphrase beyond the bounds");
  const Secret key = StoreKey(passphrase, cost, sealed.subspan(kSaltAt, kSaltSize));
  if (key.empty()) return Malformed("a cost of the passphrase that this machine has no memory for");
  Secret content = OpenAfter(kHeaderSize, key, sealed);
  if (content.empty()) {
    return Refused({.code = "passphrase_wrong",
                    .what = "key store",
                    .expected = "the passphrase that it was sealed with",
                    .found = "another, or a file that was changed"});
  }
  return content;
}

Bytes SealWithKey(const Secret& key, ByteSpan kept, const Secret& content) {
  SEALFOLD_CHECK(sodium_init() >= 0 && key.size() == kStoreKeySize && !content.empty());
  SEALFOLD_CHECK(!kept.empty() && kept.size() <= kKeptKeySizeMax);
  Bytes header(kKeptAt + kept.size() + kNonceSize);
  std::copy(std::begin(kKeyMagic), std::end(kKeyMagic), header.begin());
  header[kKeptAt - 2] = static_cast<uint8_t>(kept.size() >> 8);
  header[kKeptAt - 1] = static_cast<uint8_t>(kept.size());
  std::copy(kept.begin(), kept.end(), header.begin() + kKeptAt);
  FillRandom(MutableByteSpan(header).last(kNonceSize));
  return SealAfter(header, key, content);
}

absl::StatusOr<Bytes> KeptKeyOf(ByteSpan sealed) {
  if (BeginsWith(sealed, kMagic)) {
    return BadInput({.code = "store_under_passphrase",
                     .what = "key store",
                     .expected = "one whose key something else keeps",
                     .found = "one under a passphrase",
                     .advice = "open it as it was made, with --passphrase-file"});
  }
  if (!BeginsWith(sealed, kKeyMagic) || sealed.size() > kSealedStoreSizeMax ||
      sealed.size() < kKeptAt) {
    return Malformed("something else");
  }
  const size_t size = size_t{sealed[kKeptAt - 2]} << 8 | sealed[kKeptAt - 1];
  if (size == 0 || size > kKeptKeySizeMax ||
      sealed.size() <= kKeptAt + size + kNonceSize + kTagSize) {
    return Malformed("another length");
  }
  return ToBytes(sealed.subspan(kKeptAt, size));
}

absl::StatusOr<Secret> OpenWithKey(const Secret& key, ByteSpan sealed) {
  SEALFOLD_CHECK(sodium_init() >= 0);
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes kept, KeptKeyOf(sealed));
  Secret content;
  if (key.size() == kStoreKeySize) {
    content = OpenAfter(kKeptAt + kept.size() + kNonceSize, key, sealed);
  }
  if (content.empty()) {
    return Refused({.code = "store_key_wrong",
                    .what = "key store",
                    .expected = "the key that it was sealed with",
                    .found = "another, or a file that was changed"});
  }
  return content;
}

}  // namespace sealfold
