// What a participant learns from evidence, and the interface every platform's verifier has.
#ifndef SEALFOLD_ATTEST_VERIFIER_H_
#define SEALFOLD_ATTEST_VERIFIER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"
#include "protocol/base/types.h"

namespace sealfold {

// One thing that was looked at.
struct Check {
  std::string name;  // stable, one of those below
  std::string expected = {};
  std::string found = {};  // byte strings as hex, shortened: Claims has the whole of them
  bool passed = false;
};

// The names, in the order in which the checks are made. The first three and any of the signed
// part's own (chain, certificate_time, revocation, revocation_coverage, signature) end the
// verification when they fail; those after it are all made.
//   policy            the policy itself is fit (only recorded when it is not)
//   platform          the policy's platform is in this build, and the verifier's
//   format            the document's form and lengths
//   attestation_key   a TPM's: of the kind that signs only what the TPM itself states
//   chain             its certificates lead to the pinned root, each allowed to do what it does; or
//                     for a TPM's key, the policy names the key
//   certificate_time  they are valid at the document's own time
//   revocation        only where the policy has lists: they are their issuers', in force, and name
//                     none of the certificates
//   revocation_coverage   with it: which issuers the lists are about, and that these are all of
//                     whom the policy demands one
//   signature         the leaf's key signed the document
//   quote, qualifying_data   a TPM's: what was signed is about these registers and this session
//   debug             the registers that are set wherever anything is measured are there, and set
//   freshness         by the caller's clock and the policy
//   nonce, user_data, public_key   as expected; each only where the expectation sets it
//   registers         one of the policy's sets of reference values matches wholly
//   event_log         a TPM's, where it was sent along: it leads to the registers that firmware
//                     sets

// A TPM's sense of time and of reboots, as in its quote.
struct TpmClock {
  uint64_t clock_ms = 0;  // how long the TPM has been powered: no time of day
  bool safe = false;      // false: the clock may have shown a higher value before
  uint32_t resets = 0;    // since the TPM was made or cleared; obscured by the TPM for keys outside
  uint32_t restarts = 0;  // the endorsement hierarchy
};

// What the evidence says, once its signature and chain hold.
struct Claims {
  std::string platform = {};
  std::string module_id = {};
  uint64_t timestamp_ms = 0;                 // since 1970, UTC, by the platform's clock
  std::map<uint32_t, Bytes> registers = {};  // PCR index -> value
  std::optional<Bytes> public_key = {};
  std::optional<Bytes> user_data = {};
  std::optional<Bytes> nonce = {};
  std::optional<TpmClock> tpm_clock = {};  // tpm2 only
};

// All checks in the order made.
struct Verdict {
  std::vector<Check> checks;
  Claims claims;  // set only where "signature" passed
  // Set for evidence that says nothing about the machine; every output that relies on it must show
  // it.
  std::string caveat;

  bool passed() const;  // there is a check, and every check passed
  // OK, or PermissionDenied explained by the first check that failed; code "evidence_<check name>".
  absl::Status status() const;
};

// What the policy accepts: one set of register values; all must match.
struct ReferenceValues {
  std::string name = {};                     // e.g. a release, for messages
  std::map<uint32_t, Bytes> registers = {};  // PCR index -> value, by the platform's RegisterRules
  // Of the signed release that they come from (release/); 0: a person wrote them down.
  uint64_t release_version = 0;
};

// What a platform's registers are worth. A mask has bit i for register i.
struct RegisterRules {
  uint32_t count;                  // indexes below this
  absl::Span<const size_t> sizes;  // of a value in bytes, any of these
  uint32_t measured;               // set wherever anything is measured: the check "debug"
  uint32_t telling;                // each set of reference values names one of these
  uint32_t zero_tells;             // all zero says "nothing was measured here", and may be demanded
  uint32_t resettable;             // whatever runs can set them: no policy may name them
};

struct ReleaseRules;     // attest/release/rules.h
struct RevocationLists;  // attest/x509/revocation/revocation.h

struct EvidencePolicy {
  std::string platform = {};  // "aws-nitro", "aws-nitrotpm", "tpm2", "sealfold-softnsm"
  // The pinned trust root. For AWS's platforms AWS's own is built in: leave empty.
  std::string root_pem = {};
  std::vector<Bytes> attestation_keys = {};  // tpm2 only: names of keys that need no certificate
  std::vector<ReferenceValues> reference_values = {};  // any one set must match wholly
  // Whose signed releases are accepted; those known already are among the reference values. Null:
  // nobody's.
  std::shared_ptr<const ReleaseRules> releases = {};
  // X.509 certificate revocation lists: attest/x509/revocation/revocation.h says what they do.
  // Null: none, and none demanded. They expire by the clock that freshness is judged by; without
  // that, by the document's time.
  std::shared_ptr<const RevocationLists> revocation = {};
  uint64_t age_ms_max = 300'000;  // how old a document may be
  uint64_t skew_ms_max = 5'000;   // how far in the future by our clock
};

// Refuses policies that would accept too much or nothing. InvalidArgument with one of the codes
//   policy_platform_unknown   this build has no such platform
//   policy_references_empty   no reference values, and nobody's releases are accepted
//   policy_reference_empty    a set of them without registers
//   policy_register_index     a register that the platform does not have
//   policy_register_length    a value of another length than the platform's
//   policy_register_zero      an all-zero value: nothing was measured, as in a debug enclave
//   policy_register_ones      an all-ones value: what a TPM's unused registers have
//   policy_register_resettable  a register that any program on the machine can set
//   policy_reference_untelling  a set that names none of the registers that tell what runs
//   policy_root_missing, policy_root_malformed, policy_root_unexpected
//   policy_key_malformed, policy_keys_unexpected   of attestation_keys
absl::Status CheckEvidencePolicy(const EvidencePolicy& policy);

// What must be in the document of this session. An unset member is not compared.
struct EvidenceExpectation {
  std::optional<Bytes> nonce = {};
  std::optional<Bytes> user_data = {};
  std::optional<Bytes> public_key = {};
  uint64_t now_ms = 0;  // since 1970, UTC
  // false for evidence looked at later (a record's): then `now_ms` and the policy's age do not
  // matter and only the document's own time counts for its certificates.
  bool check_freshness = true;
};

class ChainCache;  // attest/x509/chain_cache.h

// Verifies one document. A pure function: no clock, file or network. A cache, which may be null,
// changes how long it takes and nothing of what it says.
class Verifier {
 public:
  virtual ~Verifier() = default;
  virtual absl::string_view platform() const = 0;
  virtual const RegisterRules& register_rules() const = 0;
  // The platform's rule for whom the policy trusts: root_pem and attestation_keys. InvalidArgument,
  // codes "policy_root_*" and "policy_key*".
  virtual absl::Status CheckTrust(const EvidencePolicy& policy) const = 0;
  // Requires nothing of the policy: with one that CheckEvidencePolicy refuses, some check fails.
  virtual Verdict Verify(ByteSpan evidence, const EvidencePolicy& policy,
                         const EvidenceExpectation& expectation, ChainCache* cache) const = 0;
};

// The verifier of `platform` in this build; nullptr if it has none.
const Verifier* FindVerifier(absl::string_view platform);

// CheckEvidencePolicy, then the platform's verifier. A platform that this build lacks fails the
// check "platform": closed, never skipped.
Verdict VerifyEvidence(ByteSpan evidence, const EvidencePolicy& policy,
                       const EvidenceExpectation& expectation, ChainCache* cache = nullptr);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_VERIFIER_H_
