// Authenticated encryption (RFC 5116) behind one narrow interface: AES-256-GCM and
// ChaCha20-Poly1305, by whichever library of this build is the fastest on this machine.
#ifndef SEALFOLD_PROTOCOL_CRYPTO_AEAD_AEAD_H_
#define SEALFOLD_PROTOCOL_CRYPTO_AEAD_AEAD_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "protocol/base/secret.h"

namespace sealfold {

enum class AeadId : uint16_t {  // RFC 9180, section 7.3
  kAes128Gcm = 1,               // for RFC 9180's vectors; no suite of ours uses it
  kAes256Gcm = 2,
  kChaCha20Poly1305 = 3,
};

inline constexpr size_t kAeadTagSize = 16;
inline constexpr size_t kAeadNonceSize = 12;

// A key's length in bytes.
size_t AeadKeySize(AeadId id);

// The library that Aead::Make takes for `id` in this process, as "ipsec-mb 1.3.0". The first
// question for an `id`, by this or by Make, tests and times what there is: about a millisecond.
std::string AeadLibrary(AeadId id);

class AeadKey;  // one key inside a library: backend.h

// One key, expanded once, wiped when it goes. Moves, does not copy. Several threads may seal and
// open with one Aead at once.
class Aead {
 public:
  // Requires: key.size() == AeadKeySize(id).
  static Aead Make(AeadId id, ByteSpan key);
  Aead(Aead&&) noexcept;
  Aead& operator=(Aead&&) noexcept;
  ~Aead();

  // Writes ciphertext ‖ tag to `out`. Requires: nonce of kAeadNonceSize, out.size() ==
  // plaintext.size() + kAeadTagSize, aad and plaintext below 2^31 bytes; `out` may start where
  // `plaintext` starts, or not overlap it. The caller never uses a nonce twice with one key.
  void Seal(ByteSpan nonce, ByteSpan aad, ByteSpan plaintext, MutableByteSpan out) const;

  // Writes the plaintext to `out`; requires out.size() + kAeadTagSize == sealed.size(), overlap as
  // above. The tag is compared in constant time; when it is wrong `out` is wiped and
  // PermissionDenied ("seal_broken") returned.
  absl::Status Open(ByteSpan nonce, ByteSpan aad, ByteSpan sealed, MutableByteSpan out) const;

 private:
  explicit Aead(std::unique_ptr<const AeadKey> key);
  std::unique_ptr<const AeadKey> key_;
};

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_CRYPTO_AEAD_AEAD_H_
