// Verifies EC2 instances' attestation documents, which the Nitro hypervisor signs for the
// instance's NitroTPM.
//
// The form is an enclave's (attest/nitro/document.h) with `nitrotpm_pcrs` in place of `pcrs`: the
// 24 registers of the SHA-384 bank. AWS keeps registers 0 and 1 constant, whatever its firmware.
#ifndef SEALFOLD_ATTEST_NITROTPM_NITROTPM_VERIFIER_H_
#define SEALFOLD_ATTEST_NITROTPM_NITROTPM_VERIFIER_H_

#include "attest/nitro/document.h"
#include "attest/tpm/tpm_registers.h"
#include "attest/verifier.h"

namespace sealfold {

inline constexpr absl::string_view kAwsNitroTpmPlatform = "aws-nitrotpm";

// The NSM's response travels in an NV index of 8 KiB.
inline constexpr size_t kNitroTpmRegisterSizes[] = {48};
inline constexpr NitroDocumentKind kNitroTpmDocument = {.registers_field = "nitrotpm_pcrs",
                                                        .document_size_max = 0x2000,
                                                        .registers_min = kTpmRegisters,
                                                        .registers_max = kTpmRegisters,
                                                        .register_sizes = kNitroTpmRegisterSizes,
                                                        .public_key_size_max = 1024,
                                                        .user_data_size_max = 1024,
                                                        .nonce_size_max = 1024};

// An instance has no debug mode; where register 4 is not set, its firmware measured no boot.
inline constexpr RegisterRules kNitroTpmRegisterRules = {.count = kTpmRegisters,
                                                         .sizes = kNitroTpmRegisterSizes,
                                                         .measured = 1u << 4,
                                                         .telling = kTpmTellingRegisters,
                                                         .zero_tells = kTpmZeroTellsRegisters,
                                                         .resettable = kTpmResettableRegisters};

// A document against AWS's own root. Without state: safe for any number of threads.
class NitroTpmVerifier final : public Verifier {
 public:
  absl::string_view platform() const override { return kAwsNitroTpmPlatform; }
  const RegisterRules& register_rules() const override { return kNitroTpmRegisterRules; }
  // Refuses any: the root is built in.
  absl::Status CheckTrust(const EvidencePolicy& policy) const override;
  Verdict Verify(ByteSpan evidence, const EvidencePolicy& policy,
                 const EvidenceExpectation& expectation, ChainCache* cache) const override;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_NITROTPM_NITROTPM_VERIFIER_H_
