#include "tests/bench/kit/raw_p384.h"

#include "protocol/base/error.h"

namespace sealfold::bench {
namespace {

constexpr size_t kSha384Size = 48;
constexpr size_t kDerSignatureSizeMax = 104;

}  // namespace

RawP384::RawP384()
    : key_(GenerateP384Key()), digest_(kSha384Size, 0x5a), signature_(kDerSignatureSizeMax) {
  context_.reset(EVP_PKEY_CTX_new(key_.get(), nullptr));
  size_t size = signature_.size();
  SEALFOLD_CHECK(context_ != nullptr && EVP_PKEY_sign_init(context_.get()) == 1);
  SEALFOLD_CHECK(
      EVP_PKEY_sign(context_.get(), signature_.data(), &size, digest_.data(), digest_.size()) == 1);
  signature_.resize(size);
  SEALFOLD_CHECK(EVP_PKEY_verify_init(context_.get()) == 1);
}

void RawP384::Verify() {
  SEALFOLD_CHECK(EVP_PKEY_verify(context_.get(), signature_.data(), signature_.size(),
                                 digest_.data(), digest_.size()) == 1);
}

}  // namespace sealfold::bench
