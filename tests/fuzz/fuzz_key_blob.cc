// Ciphertext blobs of the key broker: nothing but what was sealed opens. The key is fixed.
#include <cstddef>
#include <cstdint>

#include "attest/keybroker/store/blob.h"
#include "protocol/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  static const Secret key = Secret::CopyOf(Bytes(32, 7));
  static const Bytes good = SealBlob(KeyId(), key, {{"a", "b"}}, AsBytes("plaintext"));
  const ByteSpan blob(data, size);
  if (BlobKey(blob).ok()) SEALFOLD_CHECK(!OpenBlob(key, {{"a", "b"}}, blob).ok());
  // The input as a change to a good one.
  Bytes changed = good;
  bool differs = false;
  for (size_t i = 0; i < size && i < changed.size(); ++i) {
    changed[i] ^= data[i];
    differs = differs || data[i] != 0;
  }
  SEALFOLD_CHECK(OpenBlob(key, {{"a", "b"}}, changed).ok() != differs);
  return 0;
}
