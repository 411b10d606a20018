// HPKE base mode (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, and an AEAD.
#ifndef SEALFOLD_PROTOCOL_CRYPTO_HPKE_H_
#define SEALFOLD_PROTOCOL_CRYPTO_HPKE_H_

#include "absl/status/statusor.h"
#include "protocol/base/secret.h"
#include "protocol/base/types.h"
#include "protocol/crypto/aead/aead.h"

namespace sealfold {

inline constexpr size_t kHpkeSeedSize = 32;  // Nsk, the least of DeriveKeyPair's ikm

// A key pair of a recipient, or of a sender for one context (its encapsulated key is then the
// public key).
class HpkeKeyPair {
 public:
  // DeriveKeyPair(seed) (RFC 9180, 7.1.3). Requires: seed.size() >= kHpkeSeedSize.
  static HpkeKeyPair Derive(const Secret& seed);
  // From the raw private key (for key files and vectors). Requires: 32 bytes.
  static HpkeKeyPair FromPrivateKey(Secret private_key);
  const SealingPublicKey& public_key() const { return public_key_; }
  const Secret& private_key() const { return private_key_; }

 private:
  HpkeKeyPair() = default;
  Secret private_key_;
  SealingPublicKey public_key_;
};

// A context of one sender and one receiver: messages are numbered from 0 by `seq`. A sender never
// seals two messages under one `seq`; a receiver may open any `seq`, in any order. Moves, does not
// copy.
class HpkeContext {
 public:
  // Sender: SetupBaseS. The ephemeral pair is derived from a seed that the caller drew fresh; it
  // serves one context and is erased. InvalidArgument ("sealing_key_weak") for a low-order
  // `recipient`.
  static absl::StatusOr<HpkeContext> SetupSender(AeadId aead, const SealingPublicKey& recipient,
                                                 ByteSpan info, HpkeKeyPair ephemeral);
  // Receiver: SetupBaseR. InvalidArgument ("sealing_key_weak") for a low-order `enc`.
  static absl::StatusOr<HpkeContext> SetupReceiver(AeadId aead, const SealingPublicKey& enc,
                                                   const HpkeKeyPair& recipient, ByteSpan info);

  // The encapsulated key, which the sender sends along.
  const SealingPublicKey& enc() const { return enc_; }

  // As Aead::Seal and Aead::Open, with the nonce that belongs to `seq` (RFC 9180, 5.2).
  void Seal(uint64_t seq, ByteSpan aad, ByteSpan plaintext, MutableByteSpan out) const;
  absl::Status Open(uint64_t seq, ByteSpan aad, ByteSpan sealed, MutableByteSpan out) const;
  // RFC 9180, 5.3. Requires: 0 < length <= 255 * 32, exporter_context.size() <= 16000.
  Secret Export(ByteSpan exporter_context, size_t length) const;

 private:
  HpkeContext(AeadId id, const SealingPublicKey& enc, Aead aead, Secret base_nonce,
              Secret exporter_secret);
  // The key schedule (RFC 9180, 5.1) on `dh`, the X25519 of one side's private key and the other's
  // public.
  static HpkeContext Schedule(AeadId id, const Secret& dh, const SealingPublicKey& enc,
                              const SealingPublicKey& recipient, ByteSpan info);
  AeadId id_;
  SealingPublicKey enc_;
  Aead aead_;
  Secret base_nonce_;
  Secret exporter_secret_;
};

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_CRYPTO_HPKE_H_
