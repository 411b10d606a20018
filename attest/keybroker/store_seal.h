// Bytes at rest under a passphrase: Argon2id (RFC 9106) makes the key, XChaCha20-Poly1305 seals;
// both by libsodium.
//
//   "SFKS" 1 | operations u32 | memory in KiB u32 | salt 16 | nonce 24 | sealed content
//
// Numbers are big-endian; all before the sealed content is bound to it.
#ifndef SEALFOLD_ATTEST_KEYBROKER_STORE_SEAL_H_
#define SEALFOLD_ATTEST_KEYBROKER_STORE_SEAL_H_

#include "absl/status/statusor.h"
#include "protocol/base/secret.h"

namespace sealfold {

inline constexpr size_t kSealedStoreSizeMax = 4 << 20;

// How much work a guess of the passphrase is.
struct PassphraseCost {
  uint32_t operations = 3;      // 1 to 16
  uint32_t memory_kib = 65536;  // 8 KiB to 1 GiB
};

// Requires: a cost within its bounds, content of at least one byte.
Bytes SealWithPassphrase(ByteSpan passphrase, const PassphraseCost& cost, const Secret& content);

// InvalidArgument ("store_malformed") for what is no such file; PermissionDenied
// ("passphrase_wrong") where the passphrase, or any byte, is another.
absl::StatusOr<Secret> OpenWithPassphrase(ByteSpan passphrase, ByteSpan sealed);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_STORE_SEAL_H_
