// What no verification of evidence can be faster than: one ECDSA P-384 signature over a digest that
// is there, by OpenSSL's EVP with a context that is ready, as `openssl speed ecdsap384` times it.
#ifndef SEALFOLD_TESTS_BENCH_KIT_RAW_P384_H_
#define SEALFOLD_TESTS_BENCH_KIT_RAW_P384_H_

#include <openssl/evp.h>

#include <memory>

#include "attest/software/authority/key.h"
#include "protocol/base/bytes.h"

namespace sealfold::bench {

// For one thread at a time.
class RawP384 {
 public:
  RawP384();
  void Verify();

 private:
  UniqueKey key_;
  Bytes digest_;
  Bytes signature_;  // DER
  std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context_{nullptr, &EVP_PKEY_CTX_free};
};

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_KIT_RAW_P384_H_
