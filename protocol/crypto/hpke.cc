#include "protocol/crypto/hpke.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/base/error.h"
#include "protocol/crypto/hash.h"

namespace sealfold {
namespace {

constexpr uint8_t kModeBase = 0x00;
// RFC 9180, 4.1: "KEM" ‖ I2OSP(kem_id, 2), DHKEM(X25519, HKDF-SHA256) being 0x0020.
constexpr uint8_t kKemSuite[] = {'K', 'E', 'M', 0x00, 0x20};
constexpr char kVersion[] = "HPKE-v1";

// RFC 9180, 5.1: "HPKE" ‖ kem_id ‖ kdf_id (HKDF-SHA256: 1) ‖ aead_id.
std::array<uint8_t, 10> HpkeSuite(AeadId id) {
  const auto aead = static_cast<uint16_t>(id);
  return {'H',
          'P',
          'K',
          'E',
          0x00,
          0x20,
          0x00,
          0x01,
          static_cast<uint8_t>(aead >> 8),
          static_cast<uint8_t>(aead)};
}

// RFC 9180, section 4: LabeledExtract and LabeledExpand. `info` and `label` are public.
Secret LabeledExtract(ByteSpan suite, ByteSpan salt, absl::string_view label, ByteSpan ikm) {
  return HkdfExtract(salt, {AsBytes(kVersion), suite, AsBytes(label), ikm});
}

Secret LabeledExpand(ByteSpan suite, const Secret& prk, absl::string_view label, ByteSpan info,
                     size_t length) {
  Bytes labeled = {static_cast<uint8_t>(length >> 8), static_cast<uint8_t>(length)};
  Append(labeled, AsBytes(kVersion));
  Append(labeled, suite);
  Append(labeled, AsBytes(label));
  Append(labeled, info);
  return HkdfExpand(prk.span(), labeled, length);
}

// X25519 (RFC 7748). libsodium refuses points of low order, and so an all-zero result.
absl::StatusOr<Secret> DiffieHellman(const Secret& private_key, const SealingPublicKey& peer) {
  Secret dh(crypto_scalarmult_BYTES);
  if (crypto_scalarmult(dh.mutable_span().data(), private_key.span().data(), peer.data()) != 0) {
    return BadInput({.code = "sealing_key_weak",
                     .what = SealingPublicKeyTag::kName,
                     .expected = "a point of large order",
                     .found = peer.hex(),
                     .advice = "refuse whoever sent this key"});
  }
  return dh;
}

// The nonce of one message (RFC 9180, 5.2: ComputeNonce); wiped when it goes.
class Nonce {
 public:
  Nonce(const Secret& base, uint64_t seq) {
    std::copy(base.span().begin(), base.span().end(), bytes_.begin());
    for (size_t i = 0; i < sizeof(seq); ++i) {
      bytes_[kAeadNonceSize - 1 - i] ^= static_cast<uint8_t>(seq >> (8 * i));
    }
  }
  Nonce(const Nonce&) = delete;
  Nonce& operator=(const Nonce&) = delete;
  ~Nonce() { Wipe(absl::MakeSpan(bytes_)); }
  ByteSpan span() const { return bytes_; }

 private:
  std::array<uint8_t, kAeadNonceSize> bytes_;
};

}  // namespace

HpkeKeyPair HpkeKeyPair::Derive(const Secret& seed) {
  SEALFOLD_CHECK(seed.size() >= kHpkeSeedSize);
  const Secret prk = LabeledExtract(kKemSuite, {}, "dkp_prk", seed.span());
  return FromPrivateKey(LabeledExpand(kKemSuite, prk, "sk", {}, crypto_scalarmult_SCALARBYTES));
}

HpkeKeyPair HpkeKeyPair::FromPrivateKey(Secret private_key) {
  SEALFOLD_CHECK(private_key.size() == crypto_scalarmult_SCALARBYTES);
  HpkeKeyPair pair;
  SEALFOLD_CHECK(crypto_scalarmult_base(pair.public_key_.data(), private_key.span().data()) == 0);
  pair.private_key_ = std::move(private_key);
  return pair;
}

absl::StatusOr<HpkeContext> HpkeContext::SetupSender(AeadId aead, const SealingPublicKey& recipient,
                                                     ByteSpan info, HpkeKeyPair ephemeral) {
  SEALFOLD_ASSIGN_OR_RETURN(Secret dh, DiffieHellman(ephemeral.private_key(), recipient));
  return Schedule(aead, dh, ephemeral.public_key(), recipient, info);
}

absl::StatusOr<HpkeContext> HpkeContext::SetupReceiver(AeadId aead, const SealingPublicKey& enc,
                                                       const HpkeKeyPair& recipient,
                                                       ByteSpan info) {
  SEALFOLD_ASSIGN_OR_RETURN(Secret dh, DiffieHellman(recipient.private_key(), enc));
  return Schedule(aead, dh, enc, recipient.public_key(), info);
}

HpkeContext HpkeContext::Schedule(AeadId id, const Secret& dh, const SealingPublicKey& enc,
                                  const SealingPublicKey& recipient, ByteSpan info) {
  // RFC 9180, 4.1: ExtractAndExpand.
  Bytes kem_context = ToBytes(enc.span());
  Append(kem_context, recipient.span());
  const Secret eae_prk = LabeledExtract(kKemSuite, {}, "eae_prk", dh.span());
  const Secret shared_secret =
      LabeledExpand(kKemSuite, eae_prk, "shared_secret", kem_context, Digest::kSize);

  // RFC 9180, 5.1: KeySchedule in base mode, where psk and psk_id are empty.
  const auto suite = HpkeSuite(id);
  Bytes context = {kModeBase};
  Append(context, LabeledExtract(suite, {}, "psk_id_hash", {}).span());
  Append(context, LabeledExtract(suite, {}, "info_hash", info).span());
  const Secret secret = LabeledExtract(suite, shared_secret.span(), "secret", {});
  const Secret key = LabeledExpand(suite, secret, "key", context, AeadKeySize(id));
  return HpkeContext(id, enc, Aead::Make(id, key.span()),
                     LabeledExpand(suite, secret, "base_nonce", context, kAeadNonceSize),
                     LabeledExpand(suite, secret, "exp", context, Digest::kSize));
}

HpkeContext::HpkeContext(AeadId id, const SealingPublicKey& enc, Aead aead, Secret base_nonce,
                         Secret exporter_secret)
    : id_(id),
      enc_(enc),
      aead_(std::move(aead)),
      base_nonce_(std::move(base_nonce)),
      exporter_secret_(std::move(exporter_secret)) {}

void HpkeContext::Seal(uint64_t seq, ByteSpan aad, ByteSpan plaintext, MutableByteSpan out) const {
  aead_.Seal(Nonce(base_nonce_, seq).span(), aad, plaintext, out);
}

absl::Status HpkeContext::Open(uint64_t seq, ByteSpan aad, ByteSpan sealed,
                               MutableByteSpan out) const {
  return aead_.Open(Nonce(base_nonce_, seq).span(), aad, sealed, out);
}

Secret HpkeContext::Export(ByteSpan exporter_context, size_t length) const {
  return LabeledExpand(HpkeSuite(id_), exporter_secret_, "sec", exporter_context, length);
}

}  // namespace sealfold
