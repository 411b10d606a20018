// Verifies AWS Nitro Enclaves' attestation documents.
#ifndef SEALFOLD_ATTEST_NITRO_NITRO_VERIFIER_H_
#define SEALFOLD_ATTEST_NITRO_NITRO_VERIFIER_H_

#include "attest/nitro/document.h"
#include "attest/verifier.h"
#include "attest/x509/certificate.h"

namespace sealfold {

inline constexpr absl::string_view kAwsNitroPlatform = "aws-nitro";

// Of an enclave: 0: the whole image; 1, 2: its parts; 8: who signed it. The others are the same
// whatever image is started: 3 and 4 are the instance's, 16 to 31 what an enclave extends by
// itself.
inline constexpr uint32_t kNsmTellingRegisters = 1u << 0 | 1u << 1 | 1u << 2 | 1u << 8;
inline constexpr size_t kNsmReferenceSizes[] = {48};
inline constexpr RegisterRules kNsmRegisterRules = {.count = kNsmRegisters,
                                                    .sizes = kNsmReferenceSizes,
                                                    .measured = 1u << 0,
                                                    .telling = kNsmTellingRegisters,
                                                    .zero_tells = 0,
                                                    .resettable = 0};

// A document against AWS's own root. Without state: safe for any number of threads.
class NitroVerifier final : public Verifier {
 public:
  absl::string_view platform() const override { return kAwsNitroPlatform; }
  const RegisterRules& register_rules() const override { return kNsmRegisterRules; }
  // Refuses any: the root is built in.
  absl::Status CheckTrust(const EvidencePolicy& policy) const override;
  Verdict Verify(ByteSpan evidence, const EvidencePolicy& policy,
                 const EvidenceExpectation& expectation, ChainCache* cache) const override;
};

// The rule of AWS's platforms: no root in the policy, AWS's own is built in; no keys.
absl::Status CheckAwsTrust(absl::string_view platform, const EvidencePolicy& policy);

// What makes one platform's documents differ from another's.
struct NitroDocumentRules {
  const NitroDocumentKind& kind;
  const RegisterRules& registers;
};

// Makes every check from "format" on, of a document of this shape under `root`, and adds it to
// `verdict`. Costs one P-384 verification for the document, and one for each certificate but the
// root; with a cache, for each whose signature it does not know.
void VerifyNitroDocument(ByteSpan evidence, const NitroDocumentRules& rules,
                         const Certificate& root, const EvidencePolicy& policy,
                         const EvidenceExpectation& expectation, ChainCache* cache,
                         Verdict& verdict);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_NITRO_NITRO_VERIFIER_H_
