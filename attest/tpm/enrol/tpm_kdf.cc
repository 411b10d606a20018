#include "attest/tpm/enrol/tpm_kdf.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <memory>
#include <string>

#include "attest/tpm/structure/tpm_bytes.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

// Copies as much of `block` as is still missing to `out` at `offset`; the block is wiped.
void TakeBlock(Bytes block, Secret& out, size_t& offset) {
  const size_t size = std::min(block.size(), out.size() - offset);
  std::copy_n(block.begin(), size, out.mutable_span().begin() + static_cast<int64_t>(offset));
  offset += size;
  Wipe(absl::MakeSpan(block));
}

}  // namespace

Bytes TpmHmac(const EVP_MD* md, ByteSpan key, std::initializer_list<ByteSpan> parts) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(
      EVP_MAC_fetch(nullptr, "HMAC", nullptr), &EVP_MAC_free);
  SEALFOLD_CHECK(mac != nullptr);
  const std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)> context(
      EVP_MAC_CTX_new(mac.get()), &EVP_MAC_CTX_free);
  std::string name = EVP_MD_get0_name(md);
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.data(), 0),
      OSSL_PARAM_construct_end()};
  static constexpr uint8_t kNone = 0;
  SEALFOLD_CHECK(
      context != nullptr &&
      EVP_MAC_init(context.get(), key.empty() ? &kNone : key.data(), key.size(), parameters) == 1);
  for (ByteSpan part : parts) {
    SEALFOLD_CHECK(EVP_MAC_update(context.get(), part.data(), part.size()) == 1);
  }
  Bytes out(static_cast<size_t>(EVP_MD_get_size(md)));
  size_t size = 0;
  SEALFOLD_CHECK(EVP_MAC_final(context.get(), out.data(), &size, out.size()) == 1);
  SEALFOLD_CHECK(size == out.size());
  return out;
}

Secret TpmKdfA(const EVP_MD* md, ByteSpan key, absl::string_view label, ByteSpan context_u,
               ByteSpan context_v, uint32_t bits) {
  SEALFOLD_CHECK(bits % 8 == 0);
  Secret out(bits / 8);
  size_t offset = 0;
  for (uint32_t counter = 1; offset < out.size(); ++counter) {
    const Bytes before = TpmWriter().U32(counter).Raw(AsBytes(label)).U8(0).bytes();
    const Bytes after = TpmWriter().U32(bits).bytes();
    TakeBlock(TpmHmac(md, key, {before, context_u, context_v, after}), out, offset);
  }
  return out;
}

Secret TpmKdfE(const EVP_MD* md, ByteSpan shared_x, absl::string_view label, ByteSpan party_u,
               ByteSpan party_v, uint32_t bits) {
  SEALFOLD_CHECK(bits % 8 == 0);
  Secret out(bits / 8);
  size_t offset = 0;
  for (uint32_t counter = 1; offset < out.size(); ++counter) {
    Bytes input = TpmWriter().U32(counter).Raw(shared_x).Raw(AsBytes(label)).U8(0).bytes();
    Append(input, party_u);
    Append(input, party_v);
    Bytes block(static_cast<size_t>(EVP_MD_get_size(md)));
    SEALFOLD_CHECK(EVP_Digest(input.data(), input.size(), block.data(), nullptr, md, nullptr) == 1);
    Wipe(absl::MakeSpan(input));
    TakeBlock(std::move(block), out, offset);
  }
  return out;
}

absl::StatusOr<Bytes> TpmOaepEncrypt(EVP_PKEY* key, const EVP_MD* md, absl::string_view label,
                                     ByteSpan secret) {
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr), &EVP_PKEY_CTX_free);
  SEALFOLD_CHECK(context != nullptr && EVP_PKEY_encrypt_init(context.get()) == 1);
  SEALFOLD_CHECK(EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
                 EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), md) == 1 &&
                 EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), md) == 1);
  auto* owned = static_cast<uint8_t*>(OPENSSL_zalloc(label.size() + 1));
  SEALFOLD_CHECK(owned != nullptr);
  std::copy(label.begin(), label.end(), owned);
  SEALFOLD_CHECK(EVP_PKEY_CTX_set0_rsa_oaep_label(context.get(), owned,
                                                  static_cast<int>(label.size() + 1)) == 1);
  Bytes out(static_cast<size_t>(EVP_PKEY_get_size(key)));
  size_t size = out.size();
  if (EVP_PKEY_encrypt(context.get(), out.data(), &size, secret.data(), secret.size()) != 1) {
    ERR_clear_error();
    return BadInput({.code = "tpm_key",
                     .what = "RSA key of a TPM",
                     .expected = "one that a secret can be encrypted to",
                     .found = "one that nothing can be encrypted to"});
  }
  out.resize(size);
  return out;
}

}  // namespace sealfold
