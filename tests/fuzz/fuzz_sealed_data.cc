// Sealed data sets: what is read keeps its bounds, and no input opens, for no input has the key.
#include <cstddef>
#include <cstdint>

#include "protocol/base/error.h"
#include "protocol/envelope/sealed_data.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  const absl::StatusOr<SealedData> read = ReadSealedData(ByteSpan(data, size));
  if (!read.ok()) return 0;
  SEALFOLD_CHECK(read->header.data_bytes > 0 && read->header.data_bytes < size);
  SEALFOLD_CHECK(!read->header.wrapped_key.empty());
  SEALFOLD_CHECK(!read->Open(Bytes(kDataKeySize)).ok());
  return 0;
}
