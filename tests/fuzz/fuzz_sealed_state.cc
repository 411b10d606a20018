// Sealed states that a host hands back: whatever is read has one form, and none opens under a key
// that did not seal it.
#include <cstddef>
#include <cstdint>

#include "aggregator/core/state/sealed_state.h"
#include "protocol/base/error.h"
#include "protocol/cbor/fields.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  const absl::StatusOr<SealedState> state = DecodeSealedState(ByteSpan(data, size));
  if (!state.ok()) return 0;
  SEALFOLD_CHECK(cbor::EncodeFields(state->header) == state->header_bytes);
  SEALFOLD_CHECK(!state->header.blob.empty() && state->header.blob.size() <= kStateKeyBlobSizeMax);
  static const Bytes key(kStateKeySize, 7);
  SEALFOLD_CHECK(!OpenState(*state, key).ok());
  return 0;
}
