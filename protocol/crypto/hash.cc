#include "protocol/crypto/hash.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include <string>
#include <utility>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr size_t kHkdfInfoSizeMax = 16384;  // below the limit inside OpenSSL

struct MdContextFree {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using MdContext = std::unique_ptr<EVP_MD_CTX, MdContextFree>;

struct MacContextFree {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using MacContext = std::unique_ptr<EVP_MAC_CTX, MacContextFree>;

struct KdfContextFree {
  void operator()(EVP_KDF_CTX* context) const { EVP_KDF_CTX_free(context); }
};
using KdfContext = std::unique_ptr<EVP_KDF_CTX, KdfContextFree>;

// Fetched once and kept for the life of the process: a fetch takes a lock and costs more than a
// hash.
const EVP_MD* FetchSha256() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return md;
}
const EVP_MD* FetchSha384() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA384", nullptr);
  return md;
}
EVP_MAC* FetchHmac() {
  static EVP_MAC* const mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
  return mac;
}
EVP_KDF* FetchHkdf() {
  static EVP_KDF* const kdf = EVP_KDF_fetch(nullptr, "HKDF", nullptr);
  return kdf;
}

MdContext Start(const EVP_MD* md) {
  MdContext context(EVP_MD_CTX_new());
  SEALFOLD_CHECK(md != nullptr && context != nullptr);
  SEALFOLD_CHECK(EVP_DigestInit_ex2(context.get(), md, nullptr) == 1);
  return context;
}

void Add(EVP_MD_CTX* context, ByteSpan bytes) {
  SEALFOLD_CHECK(EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1);
}

template <typename Hash>
Hash Finish(EVP_MD_CTX* context) {
  Hash out;
  unsigned int size = 0;
  SEALFOLD_CHECK(EVP_DigestFinal_ex(context, out.data(), &size) == 1 && size == Hash::kSize);
  return out;
}

}  // namespace

Digest Sha256(ByteSpan bytes) { return Sha256({bytes}); }

Digest Sha256(std::initializer_list<ByteSpan> parts) {
  MdContext context = Start(FetchSha256());
  for (ByteSpan part : parts) Add(context.get(), part);
  return Finish<Digest>(context.get());
}

Measurement Sha384(ByteSpan bytes) {
  MdContext context = Start(FetchSha384());
  Add(context.get(), bytes);
  return Finish<Measurement>(context.get());
}

struct Sha256Stream::State {
  MdContext context;
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>(State{Start(FetchSha256())})) {}
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;
Sha256Stream& Sha256Stream::operator=(Sha256Stream&&) noexcept = default;
Sha256Stream::~Sha256Stream() = default;

void Sha256Stream::Update(ByteSpan bytes) { Add(state_->context.get(), bytes); }

Digest Sha256Stream::Peek() const {
  MdContext copy(EVP_MD_CTX_new());
  SEALFOLD_CHECK(copy != nullptr);
  SEALFOLD_CHECK(EVP_MD_CTX_copy_ex(copy.get(), state_->context.get()) == 1);
  return Finish<Digest>(copy.get());
}

// By HMAC, which extraction is: OpenSSL's HKDF frees its copy of the salt without wiping it, and
// HPKE's salt is the shared secret.
Secret HkdfExtract(ByteSpan salt, std::initializer_list<ByteSpan> ikm_parts) {
  static constexpr uint8_t kNoSalt[Digest::kSize] = {};  // RFC 5869, 2.2
  if (salt.empty()) salt = kNoSalt;
  MacContext context(EVP_MAC_CTX_new(FetchHmac()));
  SEALFOLD_CHECK(context != nullptr);
  std::string digest = "SHA256";
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), digest.size()),
      OSSL_PARAM_construct_end()};
  SEALFOLD_CHECK(EVP_MAC_init(context.get(), salt.data(), salt.size(), params) == 1);
  for (ByteSpan part : ikm_parts) {
    SEALFOLD_CHECK(EVP_MAC_update(context.get(), part.data(), part.size()) == 1);
  }
  Secret prk(Digest::kSize);
  size_t size = 0;
  SEALFOLD_CHECK(EVP_MAC_final(context.get(), prk.mutable_span().data(), &size, prk.size()) == 1 &&
                 size == prk.size());
  return prk;
}

Secret HkdfExpand(ByteSpan prk, ByteSpan info, size_t length) {
  SEALFOLD_CHECK(prk.size() >= Digest::kSize);
  SEALFOLD_CHECK(length > 0 && length <= 255 * Digest::kSize);
  SEALFOLD_CHECK(info.size() <= kHkdfInfoSizeMax);
  KdfContext context(EVP_KDF_CTX_new(FetchHkdf()));
  SEALFOLD_CHECK(context != nullptr);
  std::string digest = "SHA256";
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  // OSSL_PARAM is not const-correct: what it points to is only read here.
  const OSSL_PARAM params[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest.data(), digest.size()),
      OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, const_cast<uint8_t*>(prk.data()),
                                        prk.size()),
      OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, const_cast<uint8_t*>(info.data()),
                                        info.size()),
      OSSL_PARAM_construct_end()};
  Secret out(length);
  SEALFOLD_CHECK(EVP_KDF_derive(context.get(), out.mutable_span().data(), out.size(), params) == 1);
  return out;
}

}  // namespace sealfold
