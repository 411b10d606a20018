// Ciphertext blobs: what a key has encrypted, with all that is needed to decrypt it but the key.
//
//   "SFKB" 1 | key id 16 | salt 32 | AES-256-GCM of the plaintext
//
// Key and nonce are one blob's own: HKDF-SHA-256 of the store's key, the salt, and the key id. What
// stands before the ciphertext, and the encryption context, are bound to it.
#ifndef SEALFOLD_ATTEST_KEYBROKER_STORE_BLOB_H_
#define SEALFOLD_ATTEST_KEYBROKER_STORE_BLOB_H_

#include "attest/keybroker/store/key_store.h"
#include "attest/keyclient/wire/encryption_context.h"

namespace sealfold {

inline constexpr size_t kBlobPlaintextSizeMax = 4096;  // as KMS
inline constexpr size_t kBlobSizeMax = 6144;           // as KMS

// Requires: a plaintext of 1 to kBlobPlaintextSizeMax bytes.
Bytes SealBlob(const KeyId& id, const Secret& key, const EncryptionContext& context,
               ByteSpan plaintext);

// Which key sealed it. InvalidArgument, code "blob_malformed".
absl::StatusOr<KeyId> BlobKey(ByteSpan blob);

// Errors as BlobKey; PermissionDenied ("seal_broken") where key, context or any byte is another.
absl::StatusOr<Secret> OpenBlob(const Secret& key, const EncryptionContext& context, ByteSpan blob);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_STORE_BLOB_H_
