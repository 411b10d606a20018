#include "attest/software/authority/key.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "attest/x509/bio.h"
#include "attest/x509/ecdsa.h"
#include "protocol/base/error.h"

namespace sealfold {

UniqueKey GenerateP384Key() {
  UniqueKey key(EVP_EC_gen("P-384"), &EVP_PKEY_free);
  SEALFOLD_CHECK(key != nullptr);
  return key;
}

Secret PrivateKeyPem(EVP_PKEY* key) {
  const UniqueBio bio = NewBio(BIO_s_secmem());
  SEALFOLD_CHECK(PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) ==
                 1);
  return Secret::CopyOf(AsBytes(Contents(bio)));
}

absl::StatusOr<UniqueKey> PrivateKeyFromPem(ByteSpan pem) {
  const UniqueBio bio = BioOf(AsText(pem));
  // The empty passphrase keeps OpenSSL from asking for one at the terminal.
  char passphrase[] = "";
  UniqueKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, passphrase), &EVP_PKEY_free);
  ERR_clear_error();
  if (!IsOnP384(key.get())) {
    return BadInput({.code = "key_malformed",
                     .what = "private key",
                     .expected = "an unencrypted P-384 key in PEM",
                     .found = "something else"});
  }
  return key;
}

}  // namespace sealfold
