// Responses of an NSM: what is read is the same when written and read again.
#include <cstddef>
#include <cstdint>

#include "attest/nitro/nsm_message.h"
#include "protocol/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  const absl::StatusOr<NsmResponse> response = ParseNsmResponse(ByteSpan(data, size));
  if (!response.ok()) return 0;
  const Bytes written = EncodeNsmResponse(*response);
  // Never longer than what was read: deterministic forms are the shortest.
  SEALFOLD_CHECK(written.size() <= size);
  const absl::StatusOr<NsmResponse> again = ParseNsmResponse(written);
  SEALFOLD_CHECK(again.ok() && EncodeNsmResponse(*again) == written);
  return 0;
}
