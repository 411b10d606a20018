// What no use of a cipher through OpenSSL can be faster than: one message without an end, no tag,
// no nonces.
#ifndef SEALFOLD_TESTS_BENCH_KIT_RAW_EVP_H_
#define SEALFOLD_TESTS_BENCH_KIT_RAW_EVP_H_

#include <openssl/evp.h>

#include <memory>

#include "protocol/base/bytes.h"
#include "protocol/base/error.h"

namespace sealfold::bench {

class RawEvp {
 public:
  RawEvp(const EVP_CIPHER* cipher, size_t chunk_bytes)
      : context_(EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free), in_(chunk_bytes), out_(chunk_bytes) {
    const Bytes key(32, 1);
    const Bytes nonce(12, 2);
    SEALFOLD_CHECK(EVP_EncryptInit_ex(context_.get(), cipher, nullptr, key.data(), nonce.data()) ==
                   1);
  }
  // From and to memory that stays in cache.
  void EncryptChunk() {
    int written = 0;
    SEALFOLD_CHECK(EVP_EncryptUpdate(context_.get(), out_.data(), &written, in_.data(),
                                     static_cast<int>(in_.size())) == 1);
  }

 private:
  std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context_;
  Bytes in_;
  Bytes out_;
};

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_KIT_RAW_EVP_H_
