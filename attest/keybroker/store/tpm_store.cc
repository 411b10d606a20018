#include "attest/keybroker/store/tpm_store.h"

#include "protocol/base/error.h"
#include "protocol/base/random.h"

namespace sealfold {

absl::StatusOr<Bytes> SealStoreByTpm(const Esys& esys, const KeyStore& store) {
  SEALFOLD_ASSIGN_OR_RETURN(const Secret content, store.Encode());
  const Secret key = RandomSecret(kStoreKeySize);
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes kept, SealByTpm(esys, key));
  return SealWithKey(key, kept, content);
}

absl::StatusOr<KeyStore> OpenStoreByTpm(const Esys& esys, ByteSpan sealed) {
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes kept, KeptKeyOf(sealed));
  SEALFOLD_ASSIGN_OR_RETURN(const Secret key, UnsealByTpm(esys, kept));
  SEALFOLD_ASSIGN_OR_RETURN(const Secret content, OpenWithKey(key, sealed));
  return KeyStore::Decode(content);
}

}  // namespace sealfold
