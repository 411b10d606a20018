// Private keys on P-384 of the software platform, in OpenSSL's key objects, which wipe them when
// freed.
#ifndef SEALFOLD_ATTEST_SOFTWARE_AUTHORITY_KEY_H_
#define SEALFOLD_ATTEST_SOFTWARE_AUTHORITY_KEY_H_

#include <openssl/evp.h>

#include <memory>

#include "absl/status/statusor.h"
#include "protocol/base/secret.h"

namespace sealfold {

using UniqueKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

UniqueKey GenerateP384Key();

// PKCS #8 in PEM, unencrypted.
Secret PrivateKeyPem(EVP_PKEY* key);

// InvalidArgument, code "key_malformed", for anything but a P-384 private key.
absl::StatusOr<UniqueKey> PrivateKeyFromPem(ByteSpan pem);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_SOFTWARE_AUTHORITY_KEY_H_
