// One command to a TPM under an HMAC session, built by hand over its transport: for commands that
// ESYS does not know (TPM 2.0 Library, Part 1, 19: "Session-based authorizations").
//
// The session is salted to a key of the TPM: who listens on the way to the TPM, or answers in its
// place, neither learns the authorisation nor forges an answer.
#ifndef SEALFOLD_ATTEST_NITROTPM_DEVICE_HMAC_SESSION_H_
#define SEALFOLD_ATTEST_NITROTPM_DEVICE_HMAC_SESSION_H_

#include <tss2/tss2_tcti.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "attest/tpm/structure/tpm_public.h"
#include "protocol/base/bytes.h"
#include "protocol/base/secret.h"

namespace sealfold {

using FillBytes = std::function<void(MutableByteSpan)>;

// The key that the session is salted to, already in the TPM.
struct SaltKey {
  uint32_t handle = 0;
  const TpmPublic& public_area;  // RSA
};

struct SessionCommand {
  uint32_t code = 0;
  std::vector<uint32_t> handles = {};  // the first is the one that is authorised
  std::vector<Bytes> names = {};       // of the handles, in order
  Bytes parameters = {};
};

// Starts a session (HMAC by SHA-512), runs `command` under it with the authorisation value `auth`,
// and ends it. Returns the answer's parameters; its HMAC has been checked. `random` fills what must
// not be guessed. Unavailable, code "tpm_device", for what the TPM refuses or answers wrongly.
absl::StatusOr<Bytes> RunUnderSession(TSS2_TCTI_CONTEXT* tcti, const SaltKey& salt_key,
                                      const SessionCommand& command, ByteSpan auth,
                                      const FillBytes& random);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_NITROTPM_DEVICE_HMAC_SESSION_H_
