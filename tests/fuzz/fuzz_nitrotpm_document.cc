// EC2 instances' documents: whatever is read keeps this platform's limits and is no enclave's, and
// no input passes verification, for the reference value is of no image.
#include <cstddef>
#include <cstdint>

#include "attest/nitrotpm/nitrotpm_verifier.h"
#include "protocol/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  const ByteSpan bytes(data, size);
  const absl::StatusOr<NitroDocument> document = ParseNitroDocument(bytes, kNitroTpmDocument);
  if (document.ok()) {
    SEALFOLD_CHECK(size <= 0x2000 && document->registers.size() == 24);
    SEALFOLD_CHECK(document->registers.rbegin()->first == 23);
    for (const auto& [index, value] : document->registers) SEALFOLD_CHECK(value.size() == 48);
    SEALFOLD_CHECK(!document->cabundle.empty() && document->signature.size() == 96);
    SEALFOLD_CHECK(!ParseNitroDocument(bytes).ok());
  }
  const EvidencePolicy policy{
      .platform = "aws-nitrotpm",
      .reference_values = {{.name = "none", .registers = {{4, Bytes(48, 1)}}}}};
  const Verdict verdict = VerifyEvidence(bytes, policy, {.check_freshness = false});
  SEALFOLD_CHECK(!verdict.passed() && !verdict.status().ok());
  SEALFOLD_CHECK(document.ok() || verdict.checks.back().name == "format");
  return 0;
}
