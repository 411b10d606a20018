// What a TPM signs when asked for a quote: TPMS_ATTEST with TPMS_QUOTE_INFO (Part 2, 10.12), and
// the signature over it, TPMT_SIGNATURE (11.3.4). Their form, not whether they are genuine.
#ifndef SEALFOLD_ATTEST_TPM_STRUCTURE_TPM_QUOTE_H_
#define SEALFOLD_ATTEST_TPM_STRUCTURE_TPM_QUOTE_H_

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"

namespace sealfold {

inline constexpr uint16_t kTpmAlgRsaSsa = 0x0014;
inline constexpr uint16_t kTpmAlgRsaPss = 0x0016;
inline constexpr uint16_t kTpmAlgEcdsa = 0x0018;

struct TpmQuote {
  Bytes qualified_signer = {};  // the key's qualified name
  Bytes extra_data = {};        // what the caller gave: at most 64 bytes
  // Milliseconds that the TPM has been powered, not a time of day. Where not `clock_safe`, the
  // clock may have shown a higher value before.
  uint64_t clock_ms = 0;
  bool clock_safe = false;
  uint32_t resets = 0;  // TPM resets (reboots) and restarts since it was made or cleared; obscured
  uint32_t restarts = 0;  // by the TPM for keys outside the endorsement hierarchy
  uint64_t firmware_version = 0;
  uint16_t bank = 0;           // SHA-256 or SHA-384
  uint32_t registers = 0;      // a mask: bit i for register i; never empty
  Bytes register_digest = {};  // over the selected registers' values, in order
};

// InvalidArgument, codes "tpm_*": not exactly one quote over one bank of 24 registers.
absl::StatusOr<TpmQuote> ParseTpmQuote(ByteSpan attest);

struct TpmSignature {
  uint16_t scheme = 0;  // kTpmAlgRsaSsa, kTpmAlgRsaPss, kTpmAlgEcdsa
  uint16_t hash = 0;    // SHA-256 or SHA-384
  Bytes rsa = {};       // at most 512 bytes
  Bytes ecdsa_r = {};   // at most 48 bytes each
  Bytes ecdsa_s = {};
};

// InvalidArgument, codes "tpm_*".
absl::StatusOr<TpmSignature> ParseTpmSignature(ByteSpan signature);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_STRUCTURE_TPM_QUOTE_H_
