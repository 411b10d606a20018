// A TPM's key derivation functions and HMAC (TPM 2.0 Library, Part 1, 11.4).
#ifndef SEALFOLD_ATTEST_TPM_ENROL_TPM_KDF_H_
#define SEALFOLD_ATTEST_TPM_ENROL_TPM_KDF_H_

#include <openssl/evp.h>

#include <initializer_list>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "protocol/base/bytes.h"
#include "protocol/base/secret.h"

namespace sealfold {

// Of the concatenation of `parts`.
Bytes TpmHmac(const EVP_MD* md, ByteSpan key, std::initializer_list<ByteSpan> parts);

// KDFa: `bits` derived from `key`; `label` without its terminating zero, which is added. Requires:
// bits a multiple of 8.
Secret TpmKdfA(const EVP_MD* md, ByteSpan key, absl::string_view label, ByteSpan context_u,
               ByteSpan context_v, uint32_t bits);

// KDFe: from an ECDH secret's x coordinate and both parties' x coordinates.
Secret TpmKdfE(const EVP_MD* md, ByteSpan shared_x, absl::string_view label, ByteSpan party_u,
               ByteSpan party_v, uint32_t bits);

// RSA-OAEP with `md` for hash and MGF1 and `label` with its terminating zero, as TPMs take secrets
// (Part 1, B.10). Requires: an RSA key. InvalidArgument, code "tpm_key", where OpenSSL encrypts
// nothing to it: the key is a stranger's.
absl::StatusOr<Bytes> TpmOaepEncrypt(EVP_PKEY* key, const EVP_MD* md, absl::string_view label,
                                     ByteSpan secret);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_ENROL_TPM_KDF_H_
