// The two keys of a TPM that attestation needs.
#ifndef SEALFOLD_ATTEST_TPM_DEVICE_TPM_KEYS_H_
#define SEALFOLD_ATTEST_TPM_DEVICE_TPM_KEYS_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "attest/tpm/device/esys.h"
#include "attest/tpm/enrol/credential.h"
#include "attest/tpm/structure/tpm_public.h"

namespace sealfold {

struct TpmKey {
  TpmHandle handle;
  TpmPublic public_area = {};
};

// Makes the primary attestation key of `hierarchy` (kTpmEndorsement or kTpmOwner, whose
// authorisation must be empty): ECC P-256, ECDSA with SHA-256. The same key each time, until the
// hierarchy's seed changes.
absl::StatusOr<TpmKey> CreateAttestationKey(const Esys& esys, uint32_t hierarchy);
// The key kept at a persistent handle (0x81......).
absl::StatusOr<TpmKey> LoadKey(const Esys& esys, uint32_t persistent_handle);
// The attestation key kept at a persistent handle (0x81......), whose authorisation must be empty.
// PermissionDenied where it is no attestation key.
absl::StatusOr<TpmKey> LoadAttestationKey(const Esys& esys, uint32_t persistent_handle);

enum class EndorsementKeyKind { kRsa2048, kEccP256 };
// Makes the endorsement key by the TCG's template (EK Credential Profile 2.x, L-1 and L-2): the one
// that the maker's certificate is for.
absl::StatusOr<TpmKey> CreateEndorsementKey(const Esys& esys, EndorsementKeyKind kind);

// Makes the owner's storage root key: ECC P-256, AES-128 in CFB. The same key each time, until the
// owner is replaced.
absl::StatusOr<TpmKey> CreateStorageRootKey(const Esys& esys);

// Opens a credential: the enrolment's answer (attest/tpm/enrol/enrolment.h).
absl::StatusOr<Bytes> ActivateCredential(const Esys& esys, const TpmKey& attestation_key,
                                         const TpmKey& endorsement_key,
                                         const TpmCredential& credential);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_DEVICE_TPM_KEYS_H_
