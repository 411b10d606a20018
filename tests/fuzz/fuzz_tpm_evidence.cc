// TPM evidence: whatever is read keeps its bounds and is written the same again, and no input
// passes verification, for the policy names a key that is none.
#include <cstddef>
#include <cstdint>

#include "attest/tpm/structure/tpm_hash.h"
#include "attest/tpm/tpm_evidence.h"
#include "attest/verifier.h"
#include "protocol/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  const ByteSpan bytes(data, size);
  const absl::StatusOr<ParsedTpmEvidence> parsed = ParseTpmEvidence(bytes);
  if (parsed.ok()) {
    SEALFOLD_CHECK(EncodeTpmEvidence(parsed->evidence) == ToBytes(bytes));
    SEALFOLD_CHECK(!parsed->evidence.registers.empty());
    SEALFOLD_CHECK(parsed->evidence.registers[0].size() == TpmHashSize(parsed->quote.bank));
    SEALFOLD_CHECK(parsed->evidence.certificates.size() <= kTpmCertificatesMax);
  }
  EvidencePolicy policy{.platform = "tpm2",
                        .attestation_keys = {Bytes(34)},
                        .reference_values = {{.name = "none", .registers = {{4, Bytes(32, 1)}}}}};
  policy.attestation_keys[0][1] = 0x0b;
  const Verdict verdict = VerifyEvidence(bytes, policy, {.check_freshness = false});
  SEALFOLD_CHECK(!verdict.passed() && !verdict.status().ok());
  SEALFOLD_CHECK(parsed.ok() || verdict.checks.back().name == "format");
  return 0;
}
