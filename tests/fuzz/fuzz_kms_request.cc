// Requests to the key broker: the first byte chooses the operation, the rest is the body.
#include <cstddef>
#include <cstdint>

#include "attest/keybroker/kms/kms_request.h"
#include "protocol/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  constexpr absl::string_view kTargets[] = {"TrentService.Decrypt", "TrentService.Encrypt",
                                            "TrentService.GenerateDataKey",
                                            "TrentService.GenerateRandom"};
  if (size == 0) return 0;
  const absl::StatusOr<KmsRequest> request =
      ParseKmsRequest(kTargets[data[0] % 4], AsText(ByteSpan(data, size).subspan(1)));
  if (!request.ok()) return 0;
  SEALFOLD_CHECK(request->size <= 1024 && request->plaintext.size() <= kBlobPlaintextSizeMax);
  SEALFOLD_CHECK(request->operation != KmsOperation::kEncrypt ||
                 (!request->plaintext.empty() && !request->document.has_value()));
  SEALFOLD_CHECK(request->operation != KmsOperation::kDecrypt || !request->blob.empty());
  return 0;
}
