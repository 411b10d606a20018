#include "attest/software/authority/key.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "attest/x509/ecdsa.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

using UniqueBio = std::unique_ptr<BIO, decltype(&BIO_free)>;

}  // namespace

UniqueKey GenerateP384Key() {
  UniqueKey key(EVP_EC_gen("P-384"), &EVP_PKEY_free);
  SEALFOLD_CHECK(key != nullptr);
  return key;
}

Secret PrivateKeyPem(EVP_PKEY* key) {
  UniqueBio bio(BIO_new(BIO_s_secmem()), &BIO_free);
  SEALFOLD_CHECK(bio != nullptr && PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0,
                                                            nullptr, nullptr) == 1);
  char* data = nullptr;
  long size = BIO_get_mem_data(bio.get(), &data);  // NOLINT(google-runtime-int): OpenSSL's type
  SEALFOLD_CHECK(size > 0);
  return Secret::CopyOf(AsBytes(absl::string_view(data, static_cast<size_t>(size))));
}

absl::StatusOr<UniqueKey> PrivateKeyFromPem(ByteSpan pem) {
  UniqueBio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), &BIO_free);
  SEALFOLD_CHECK(bio != nullptr);
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
