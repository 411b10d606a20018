// HPKE base mode (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, and an AEAD.
#ifndef SEALFOLD_PROTOCOL_CRYPTO_HPKE_H_
#define SEALFOLD_PROTOCOL_CRYPTO_HPKE_H_

#include "absl/status/statusor.h"
#include "protocol/base/secret.h"
#include "protocol/base/types.h"
#include "protocol/crypto/aead.h"

namespace sealfold {

inline constexpr size_t kHpkeEncSize = 32;      // Nenc
inline constexpr size_t kHpkeSeedSize = 32;     // Nsk, used as DeriveKeyPair's ikm

// A recipient's key pair, by DeriveKeyPair(seed) (RFC 9180, 7.1.3).
class HpkeKeyPair {
 public:
  // Requires: seed.size() >= kHpkeSeedSize.
  static HpkeKeyPair Derive(const Secret& seed);
  // From the raw private key (for key files and vectors). Requires: 32 bytes.
  static HpkeKeyPair FromPrivateKey(const Secret& private_key);
  const SealingPublicKey& public_key() const { return public_key_; }
  const Secret& private_key() const { return private_key_; }

 private:
  Secret private_key_;
  SealingPublicKey public_key_;
};

// A context of one sender and one receiver: messages are numbered from 0 by `seq`. A sender never seals
// two messages under one `seq`; a receiver may open any `seq`, in any order. Moves, does not copy.
class HpkeContext {
 public:
  // Sender: SetupBaseS with the ephemeral pair derived from `ephemeral_seed`, which is used once and drawn
  // fresh by the caller. Writes the encapsulated key to `enc`. InvalidArgument for a low-order `recipient`.
  static absl::StatusOr<HpkeContext> SetupSender(AeadId aead, const SealingPublicKey& recipient,
                                                 ByteSpan info, const Secret& ephemeral_seed,
                                                 SealingPublicKey& enc);
  // Receiver: SetupBaseR. InvalidArgument for a low-order `enc`.
  static absl::StatusOr<HpkeContext> SetupReceiver(AeadId aead, const SealingPublicKey& enc,
                                                   const HpkeKeyPair& recipient, ByteSpan info);

  // As Aead::Seal and Aead::Open, with the nonce that belongs to `seq` (RFC 9180, 5.2).
  void Seal(uint64_t seq, ByteSpan aad, ByteSpan plaintext, MutableByteSpan out) const;
  absl::Status Open(uint64_t seq, ByteSpan aad, ByteSpan sealed, MutableByteSpan out) const;
  // RFC 9180, 5.3.
  Secret Export(ByteSpan exporter_context, size_t length) const;

 private:
  struct Schedule;
  HpkeContext(AeadId id, Aead aead, Secret base_nonce, Secret exporter_secret);
  AeadId id_;
  Aead aead_;
  Secret base_nonce_;
  Secret exporter_secret_;
};

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_CRYPTO_HPKE_H_
