// Requests to an NSM: what is read is the same when written and read again.
#include <cstddef>
#include <cstdint>

#include "attest/nitro/nsm_message.h"
#include "protocol/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  const absl::StatusOr<NsmRequest> request = ParseNsmRequest(ByteSpan(data, size));
  if (!request.ok()) return 0;
  const Bytes written = EncodeNsmRequest(*request);
  const absl::StatusOr<NsmRequest> again = ParseNsmRequest(written);
  // What is written may be longer (a null for each absent field) and with it too large; never
  // anything else.
  if (!again.ok()) {
    SEALFOLD_CHECK(written.size() > kNsmRequestSizeMax);
    return 0;
  }
  SEALFOLD_CHECK(EncodeNsmRequest(*again) == written);
  return 0;
}
