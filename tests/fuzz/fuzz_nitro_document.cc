// Nitro documents: whatever is read keeps the limits, and no input passes verification, for the
// reference value is of no program.
#include <cstddef>
#include <cstdint>

#include "attest/nitro/document.h"
#include "attest/verifier.h"
#include "protocol/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  const ByteSpan bytes(data, size);
  const absl::StatusOr<NitroDocument> document = ParseNitroDocument(bytes);
  if (document.ok()) {
    SEALFOLD_CHECK(!document->module_id.empty() && document->timestamp_ms > 0);
    SEALFOLD_CHECK(document->signature.size() == 96);
    SEALFOLD_CHECK(!document->registers.empty() && document->registers.rbegin()->first < 32);
    SEALFOLD_CHECK(!document->cabundle.empty() && document->certificate.size() <= 1024);
  }
  const EvidencePolicy policy{
      .platform = "aws-nitro",
      .reference_values = {{.name = "none", .registers = {{0, Bytes(48, 1)}}}}};
  const Verdict verdict = VerifyEvidence(bytes, policy, {.check_freshness = false});
  SEALFOLD_CHECK(!verdict.passed() && !verdict.status().ok());
  SEALFOLD_CHECK(document.ok() || verdict.checks.back().name == "format");
  return 0;
}
