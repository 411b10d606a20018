// The checks that are the same on every platform: what verified claims say, against policy and
// expectation.
#ifndef SEALFOLD_ATTEST_CLAIMS_CHECK_H_
#define SEALFOLD_ATTEST_CLAIMS_CHECK_H_

#include <map>
#include <string>

#include "attest/verifier.h"
#include "attest/x509/certificate.h"

namespace sealfold {

// Adds the checks "debug", "freshness", "nonce", "user_data", "public_key" and "registers" on
// `verdict.claims`. Requires: the claims' signature and chain hold.
void CheckClaims(const RegisterRules& rules, const EvidencePolicy& policy,
                 const EvidenceExpectation& expectation, Verdict& verdict);

// The policy's revocation lists against `chain`, from the root down, of evidence of `made_ms`: adds
// the checks "revocation" and "revocation_coverage" where the policy has lists or demands them.
// True if they passed, or there is nothing to check.
bool CheckRevocationLists(const EvidencePolicy& policy, const EvidenceExpectation& expectation,
                          absl::Span<const Certificate> chain, uint64_t made_ms, Verdict& verdict);

// Whether one of the registers that tell what runs is named, with a value other than zero.
bool TellsProgram(const RegisterRules& rules, const ReferenceValues& set);

// Whether every value of the set is among `registers`.
bool MatchesWholly(const ReferenceValues& set, const std::map<uint32_t, Bytes>& registers);

// Whether `value` could be the platform's word for what was measured into this register, or that
// nothing was where that says something.
bool SaysSomething(const RegisterRules& rules, uint32_t index, ByteSpan value);

// A check that failed as `status` says.
Check FailedCheck(std::string name, const absl::Status& status);

// The check "platform": that the policy is for the platform `platform`. False if it is not.
bool CheckPlatform(absl::string_view platform, const EvidencePolicy& policy, Verdict& verdict);

// For platforms without such keys. InvalidArgument, code "policy_keys_unexpected".
absl::Status RefuseAttestationKeys(const EvidencePolicy& policy);

// Lower-case hex; of more than 20 bytes the first 12, the last 4 and the length.
std::string ShortHex(ByteSpan bytes);

bool IsAllZero(ByteSpan bytes);
bool IsAllOnes(ByteSpan bytes);  // and not empty

inline bool InMask(uint32_t mask, uint32_t index) {
  return index < 32 && ((mask >> index) & 1) != 0;
}

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_CLAIMS_CHECK_H_
