// Any bytes: what reads deterministically writes back as itself; tolerant reading never does more
// than fail.
#include "protocol/base/error.h"
#include "protocol/cbor/value.h"

using sealfold::ByteSpan;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ByteSpan bytes(data, size);
  absl::StatusOr<sealfold::cbor::Value> strict = sealfold::cbor::ParseDeterministic(bytes);
  if (strict.ok()) SEALFOLD_CHECK(ByteSpan(sealfold::cbor::Encode(*strict)) == bytes);
  absl::StatusOr<sealfold::cbor::Value> tolerant = sealfold::cbor::ParseTolerant(bytes);
  SEALFOLD_CHECK(!strict.ok() || tolerant.ok());
  if (tolerant.ok()) {
    SEALFOLD_CHECK(sealfold::cbor::ParseDeterministic(sealfold::cbor::Encode(*tolerant)).ok());
  }
  return 0;
}
