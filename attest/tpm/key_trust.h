// Why an attestation key is believed to be in a TPM: the policy names it, or a certificate does.
#ifndef SEALFOLD_ATTEST_TPM_KEY_TRUST_H_
#define SEALFOLD_ATTEST_TPM_KEY_TRUST_H_

#include "attest/tpm/tpm_evidence.h"
#include "attest/verifier.h"

namespace sealfold {

// What a policy must say. InvalidArgument, codes "policy_root_*", "policy_key_*".
absl::Status CheckKeyTrust(const EvidencePolicy& policy);

// Adds "chain", and for a certified key "certificate_time" and what CheckRevocationLists adds: the
// certificates are judged at the evidence's own time. True if they hold.
//
// A certificate names only the key, not its attributes: it must be one for TPMs' attestation keys
// (extended key usage tcg-kp-AIKCertificate), whose issuer has made sure of them, by
// credential activation or otherwise.
bool CheckKeyTrusted(const ParsedTpmEvidence& parsed, const EvidencePolicy& policy,
                     const EvidenceExpectation& expectation, ChainCache* cache, Verdict& verdict);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_KEY_TRUST_H_
