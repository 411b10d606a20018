// A secret at rest under a TPM's storage root key: only that TPM gives it back.
//
// There is no policy on registers: it binds the secret to the machine, so that a copied disk is
// worth nothing, and not to what the machine has booted, which updates would change.
#ifndef SEALFOLD_ATTEST_TPM_DEVICE_TPM_SEAL_H_
#define SEALFOLD_ATTEST_TPM_DEVICE_TPM_SEAL_H_

#include "absl/status/statusor.h"
#include "attest/tpm/device/esys.h"
#include "protocol/base/secret.h"

namespace sealfold {

inline constexpr size_t kTpmSecretSizeMax = 128;  // what any TPM 2.0 seals
inline constexpr size_t kTpmSealedSizeMax = 2048;

// The storage root key is made by the TCG's ECC template in the owner's hierarchy, whose
// authorisation must be empty. What goes to the TPM and comes back is encrypted, so that who
// listens on the way learns nothing. Requires: 1 to kTpmSecretSizeMax bytes. Unavailable
// ("tpm_device").
absl::StatusOr<Bytes> SealByTpm(const Esys& esys, const Secret& secret);

// InvalidArgument ("tpm_seal_malformed") for what SealByTpm did not give, PermissionDenied
// ("tpm_seal_other") where another TPM did, or this one before it was cleared; or as above.
absl::StatusOr<Secret> UnsealByTpm(const Esys& esys, ByteSpan sealed);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_DEVICE_TPM_SEAL_H_
