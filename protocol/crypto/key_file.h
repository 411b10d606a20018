// The files that hold a party's keys: its own, kept to itself, and the public part that it gives
// away.
//
//   FILE      {"format": "sealfold-key-1", "role": "participant", "signing_seed": hex,
//   "model_seed": hex} FILE.pub  {"format": "sealfold-public-1", "name": text, "key": hex,
//   "model_key": hex}
//
// Only a participant has a model_seed and a model_key. The seeds are 32 random bytes each: of an
// Ed25519 key (RFC 8032, 5.1.5) and of an X25519 pair by DeriveKeyPair (RFC 9180, 7.1.3), to which
// sealed models' keys are sealed.
#ifndef SEALFOLD_PROTOCOL_CRYPTO_KEY_FILE_H_
#define SEALFOLD_PROTOCOL_CRYPTO_KEY_FILE_H_

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "protocol/base/secret.h"
#include "protocol/base/types.h"
#include "protocol/crypto/hpke.h"
#include "protocol/crypto/sign.h"

namespace sealfold {

// A builder signs releases (attest/release).
enum class KeyRole { kCoordinator, kParticipant, kBuilder };

struct KeyFile {
  KeyRole role = KeyRole::kParticipant;
  Secret signing_seed;  // 32 bytes
  Secret model_seed;    // 32 bytes of a participant; else empty

  SigningKey signing_key() const { return SigningKey::FromSeed(signing_seed); }
  // Requires: role is kParticipant.
  HpkeKeyPair model_key() const { return HpkeKeyPair::Derive(model_seed); }
};

struct PublicKeyFile {
  std::string name;  // for people; the plan takes it over
  SigningPublicKey key;
  std::optional<SealingPublicKey> model_key;
};

// The public part of `file` under `name`.
PublicKeyFile PublicPart(const KeyFile& file, absl::string_view name);

// The text of a key file, which is secret, and back: a flat object of exactly the texts above,
// without escapes. InvalidArgument ("key_file_malformed") says what is wrong and shows nothing of
// the content.
Secret EncodeKeyFile(const KeyFile& file);
absl::StatusOr<KeyFile> ParseKeyFile(ByteSpan text);

std::string EncodePublicKeyFile(const PublicKeyFile& file);
absl::StatusOr<PublicKeyFile> ParsePublicKeyFile(absl::string_view text, absl::string_view source);

// Writes `path` (mode 0600) and `path`.pub. InvalidArgument ("key_file_exists") rather than
// overwrite either, and ("key_name_invalid") for a name that a plan cannot have.
absl::Status WriteKeyFiles(const std::string& path, const KeyFile& file, absl::string_view name);
// InvalidArgument ("key_file_exposed") where group or others may read it, or ("key_role_wrong")
// where it is not `role`'s.
absl::StatusOr<KeyFile> ReadKeyFile(const std::string& path, KeyRole role);
absl::StatusOr<PublicKeyFile> ReadPublicKeyFile(const std::string& path);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_CRYPTO_KEY_FILE_H_
