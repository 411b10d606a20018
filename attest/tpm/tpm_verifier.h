// Verifies TPM 2.0 quotes of any machine.
#ifndef SEALFOLD_ATTEST_TPM_TPM_VERIFIER_H_
#define SEALFOLD_ATTEST_TPM_TPM_VERIFIER_H_

#include "attest/tpm/tpm_registers.h"
#include "attest/verifier.h"

namespace sealfold {

inline constexpr absl::string_view kTpmPlatform = "tpm2";
// In every verdict on such evidence, passed or not.
inline constexpr absl::string_view kTpmCaveat =
    "a TPM quote: shows what the machine booted, not that its memory is out of its operator's "
    "reach, nor that the TPM is wired to this machine";

// A quote has no debug mode: what was not measured is not in the registers. SHA-256 or SHA-384.
inline constexpr size_t kTpmReferenceSizes[] = {32, 48};
inline constexpr RegisterRules kTpmRegisterRules = {.count = kTpmRegisters,
                                                    .sizes = kTpmReferenceSizes,
                                                    .measured = 0,
                                                    .telling = kTpmTellingRegisters,
                                                    .zero_tells = kTpmZeroTellsRegisters,
                                                    .resettable = kTpmResettableRegisters};

// A quote by a key that the policy names, or that a certificate under the policy's root names. A
// TPM knows no time of day: freshness is the nonce's, and where freshness is checked without an
// expected nonce the check "nonce" fails; the time in the evidence is the machine's word, bound by
// the quote. Without state: safe for any number of threads.
class TpmVerifier final : public Verifier {
 public:
  absl::string_view platform() const override { return kTpmPlatform; }
  const RegisterRules& register_rules() const override { return kTpmRegisterRules; }
  // A root for attestation keys' certificates, or names of attestation keys, or both.
  absl::Status CheckTrust(const EvidencePolicy& policy) const override;
  Verdict Verify(ByteSpan evidence, const EvidencePolicy& policy,
                 const EvidenceExpectation& expectation, ChainCache* cache) const override;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_TPM_VERIFIER_H_
