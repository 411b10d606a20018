// Evidence of the platform "tpm2" from this machine's TPM.
#ifndef SEALFOLD_ATTEST_TPM_DEVICE_TPM_ATTESTER_H_
#define SEALFOLD_ATTEST_TPM_DEVICE_TPM_ATTESTER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "attest/attester.h"
#include "attest/tpm/device/tpm_keys.h"
#include "attest/tpm/structure/tpm_hash.h"

namespace sealfold {

struct TpmAttesterOptions {
  // The primary attestation key of this hierarchy is made anew, unless a persistent one is named.
  uint32_t hierarchy = kTpmEndorsement;
  std::optional<uint32_t> persistent_handle = {};
  uint16_t bank = kTpmAlgSha256;          // or SHA-384; a TPM may have either or both
  uint32_t registers = 0x00ff'ffff;       // a mask: which to quote; not empty
  std::vector<Bytes> certificates = {};   // of the attestation key, DER, root first; may be empty
  std::optional<Bytes> event_log = {};    // sent along with every quote
  std::function<uint64_t()> now_ms = {};  // since 1970, UTC
};

// Over an open connection: makes or loads the key. Unavailable ("tpm_device"), or PermissionDenied
// for a key that is no attestation key, or not a primary one.
absl::StatusOr<std::unique_ptr<Attester>> MakeTpmAttester(Esys esys, TpmAttesterOptions options);

// The same over a connection of its own. The kernel's resource manager lets others use the TPM too.
inline constexpr char kTpmTcti[] = "device:/dev/tpmrm0";
absl::StatusOr<std::unique_ptr<Attester>> ConnectTpmAttester(const std::string& tcti,
                                                             TpmAttesterOptions options);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_DEVICE_TPM_ATTESTER_H_
