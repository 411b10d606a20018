// Bytes at rest, sealed by libsodium's XChaCha20-Poly1305: under a key that Argon2id (RFC 9106)
// makes of a passphrase, or under one that something else keeps, such as a TPM (tpm_store.h).
//
//   "SFKS" 1 | operations u32 | memory in KiB u32 | salt 16 | nonce 24 | sealed content
//   "SFKS" 2 | length u16 | the key as its keeper gave it | nonce 24 | sealed content
//
// Numbers are big-endian; all before the sealed content is bound to it.
#ifndef SEALFOLD_ATTEST_KEYBROKER_STORE_STORE_SEAL_H_
#define SEALFOLD_ATTEST_KEYBROKER_STORE_STORE_SEAL_H_

#include "absl/status/statusor.h"
#include "protocol/base/secret.h"

namespace sealfold {

inline constexpr size_t kSealedStoreSizeMax = 4 << 20;
inline constexpr size_t kStoreContentSizeMax = kSealedStoreSizeMax - (8 << 10);  // sealed, it fits

// How much work a guess of the passphrase is.
struct PassphraseCost {
  uint32_t operations = 3;      // 1 to 16
  uint32_t memory_kib = 65536;  // 8 KiB to 1 GiB
};

// Requires: a cost within its bounds, content of at least one byte.
Bytes SealWithPassphrase(ByteSpan passphrase, const PassphraseCost& cost, const Secret& content);

// InvalidArgument ("store_malformed") for what is no such file, ("store_under_key") for one of the
// other kind; PermissionDenied
// ("passphrase_wrong") where the passphrase, or any byte, is another.
absl::StatusOr<Secret> OpenWithPassphrase(ByteSpan passphrase, ByteSpan sealed);

inline constexpr size_t kStoreKeySize = 32;
inline constexpr size_t kKeptKeySizeMax = 4096;

// `kept` is what the keeper of `key` gives it back for. Requires: kStoreKeySize bytes that were
// drawn for this store; `kept` and content of at least one byte, `kept` within its bound.
Bytes SealWithKey(const Secret& key, ByteSpan kept, const Secret& content);

// What the keeper needs. InvalidArgument ("store_malformed") for what is no such file,
// ("store_under_passphrase") for one under a passphrase.
absl::StatusOr<Bytes> KeptKeyOf(ByteSpan sealed);

// Errors as KeptKeyOf; PermissionDenied ("store_key_wrong") where key, or any byte, is another.
absl::StatusOr<Secret> OpenWithKey(const Secret& key, ByteSpan sealed);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_STORE_STORE_SEAL_H_
