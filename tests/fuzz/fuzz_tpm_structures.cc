// A TPM's structures by themselves: the first byte says which. What is read keeps its bounds, and a
// key that is read can be named and handed to OpenSSL or is refused.
#include <cstddef>
#include <cstdint>

#include "attest/tpm/structure/tpm_hash.h"
#include "attest/tpm/structure/tpm_signature.h"
#include "protocol/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  if (size == 0) return 0;
  const ByteSpan bytes(data + 1, size - 1);
  if (data[0] == 'q') {
    const absl::StatusOr<TpmQuote> quote = ParseTpmQuote(bytes);
    if (!quote.ok()) return 0;
    SEALFOLD_CHECK(quote->registers != 0 && quote->registers < 1u << 24);
    SEALFOLD_CHECK(TpmHashSize(quote->bank) != 0 && quote->extra_data.size() <= 64);
  } else if (data[0] == 's') {
    const absl::StatusOr<TpmSignature> signature = ParseTpmSignature(bytes);
    if (!signature.ok()) return 0;
    SEALFOLD_CHECK(signature->rsa.size() <= 512 && signature->ecdsa_r.size() <= 48);
  } else if (data[0] == 'p') {
    const absl::StatusOr<TpmPublic> key = ParseTpmPublic(bytes);
    if (!key.ok()) return 0;
    SEALFOLD_CHECK(key->bytes == ToBytes(bytes));
    SEALFOLD_CHECK(key->Name().size() == 2 + TpmHashSize(key->name_hash));
    SEALFOLD_CHECK(key->Key().ok() || ErrorCode(key->Key().status()) == "tpm_key");
  }
  return 0;
}
