// The libraries that AEADs come from. Inside of Aead; for its tests and for benchmarks.
#ifndef SEALFOLD_PROTOCOL_CRYPTO_AEAD_BACKEND_H_
#define SEALFOLD_PROTOCOL_CRYPTO_AEAD_BACKEND_H_

#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "protocol/crypto/aead/aead.h"

namespace sealfold {

// One key in the form that one library works with, wiped when it goes. Requires of all calls what
// Aead requires. Several threads may call at once.
class AeadKey {
 public:
  AeadKey() = default;
  AeadKey(const AeadKey&) = delete;
  AeadKey& operator=(const AeadKey&) = delete;
  virtual ~AeadKey() = default;

  virtual void Seal(ByteSpan nonce, ByteSpan aad, ByteSpan plaintext,
                    MutableByteSpan out) const = 0;
  // Whether the tag fits, compared in constant time. Where it does not, `out` may hold anything:
  // Aead wipes it.
  virtual bool Open(ByteSpan nonce, ByteSpan aad, ByteSpan sealed, MutableByteSpan out) const = 0;
};

struct AeadBackend {
  absl::string_view name;  // of the library
  std::string version;     // that runs, not that was built with
  // Null for an AEAD that the library does not have, here or at all.
  std::unique_ptr<const AeadKey> (*make)(AeadId id, ByteSpan key) = nullptr;
};

// "openssl": has every AEAD on every machine.
AeadBackend OpensslAeadBackend();
// "libsodium": ChaCha20-Poly1305.
AeadBackend SodiumAeadBackend();
#ifdef SEALFOLD_IPSEC_MB
// "ipsec-mb": Intel's Multi-Buffer Crypto for IPsec; makes nothing where the processor has no AES
// instructions or the library's own self-test failed.
AeadBackend IpsecMbAeadBackend();
#endif

// Those of this build, OpenSSL first.
absl::Span<const AeadBackend> AeadBackends();

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_CRYPTO_AEAD_BACKEND_H_
