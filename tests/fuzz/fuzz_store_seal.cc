// Key stores as files: whatever has a kept key is bounded, and none opens under a key that did not
// seal it.
#include <cstddef>
#include <cstdint>

#include "attest/keybroker/store/store_seal.h"
#include "protocol/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  const ByteSpan file(data, size);
  const absl::StatusOr<Bytes> kept = KeptKeyOf(file);
  if (kept.ok()) SEALFOLD_CHECK(!kept->empty() && kept->size() <= kKeptKeySizeMax);
  static const Secret key = Secret::CopyOf(Bytes(kStoreKeySize, 7));
  SEALFOLD_CHECK(!OpenWithKey(key, file).ok());
  return 0;
}
