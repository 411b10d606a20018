// Evidence of the platform "aws-nitrotpm": the document that the Nitro hypervisor signs for this
// EC2 instance, asked for through its NitroTPM.
#ifndef SEALFOLD_ATTEST_NITROTPM_DEVICE_NITROTPM_ATTESTER_H_
#define SEALFOLD_ATTEST_NITROTPM_DEVICE_NITROTPM_ATTESTER_H_

#include <memory>
#include <string>

#include "attest/attester.h"
#include "attest/nitrotpm/device/hmac_session.h"
#include "attest/tpm/device/esys.h"

namespace sealfold {

inline constexpr uint32_t kNitroTpmNsmRequest = 0x20000001;  // the vendor's command
inline constexpr uint16_t kNitroTpmBufferSize = 0x2000;      // of the NV index it works on
// Where the TCG's guidance has the RSA endorsement key, and AWS provisions it.
inline constexpr uint32_t kRsaEndorsementKeyHandle = 0x81010001;

// AWS's own tool opens /dev/tpm0, since the kernel's resource manager does not know the command of
// a vendor; nothing else may have it open meanwhile. Unavailable, code "tpm_device".
inline constexpr char kNitroTpmTcti[] = "device:/dev/tpm0";
absl::StatusOr<std::unique_ptr<Attester>> ConnectNitroTpmAttester(const std::string& tcti);

// Over an open connection. `random` fills what must not be guessed.
std::unique_ptr<Attester> MakeNitroTpmAttester(Esys esys, FillBytes random);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_NITROTPM_DEVICE_NITROTPM_ATTESTER_H_
