// Whether a TPM's key signed something.
#ifndef SEALFOLD_ATTEST_TPM_STRUCTURE_TPM_SIGNATURE_H_
#define SEALFOLD_ATTEST_TPM_STRUCTURE_TPM_SIGNATURE_H_

#include <openssl/evp.h>

#include "attest/tpm/structure/tpm_public.h"
#include "attest/tpm/structure/tpm_quote.h"

namespace sealfold {

// True if `signature` is `key`'s over `message`, by the scheme and hash that the key is bound to.
bool VerifyTpmSignature(const TpmPublic& key, ByteSpan message, const TpmSignature& signature);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_STRUCTURE_TPM_SIGNATURE_H_
