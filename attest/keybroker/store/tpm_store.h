// A key store whose key a TPM keeps: a fresh one each time it is written.
#ifndef SEALFOLD_ATTEST_KEYBROKER_STORE_TPM_STORE_H_
#define SEALFOLD_ATTEST_KEYBROKER_STORE_TPM_STORE_H_

#include "attest/keybroker/store/key_store.h"
#include "attest/tpm/device/tpm_seal.h"

namespace sealfold {

// Errors as SealByTpm, OpenWithKey, UnsealByTpm and KeyStore::Decode.
absl::StatusOr<Bytes> SealStoreByTpm(const Esys& esys, const KeyStore& store);
absl::StatusOr<KeyStore> OpenStoreByTpm(const Esys& esys, ByteSpan sealed);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_STORE_TPM_STORE_H_
