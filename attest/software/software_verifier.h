// Verifies documents of sealfold-softnsm: a Nitro document's shape under the root that the policy
// names.
#ifndef SEALFOLD_ATTEST_SOFTWARE_SOFTWARE_VERIFIER_H_
#define SEALFOLD_ATTEST_SOFTWARE_SOFTWARE_VERIFIER_H_

#include "attest/nitro/nitro_verifier.h"
#include "attest/verifier.h"

namespace sealfold {

inline constexpr absl::string_view kSoftwarePlatform = "sealfold-softnsm";
// In every verdict on such evidence, passed or not.
inline constexpr absl::string_view kSoftwareCaveat =
    "software evidence: for development, proves nothing about the machine";

class SoftwareVerifier final : public Verifier {
 public:
  absl::string_view platform() const override { return kSoftwarePlatform; }
  const RegisterRules& register_rules() const override { return kNsmRegisterRules; }
  // One P-384 CA certificate.
  absl::Status CheckTrust(const EvidencePolicy& policy) const override;
  Verdict Verify(ByteSpan evidence, const EvidencePolicy& policy,
                 const EvidenceExpectation& expectation, ChainCache* cache) const override;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_SOFTWARE_SOFTWARE_VERIFIER_H_
