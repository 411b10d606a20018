#include "attest/tpm/enrol/credential.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>

#include <utility>

#include "attest/tpm/enrol/tpm_kdf.h"
#include "attest/tpm/structure/tpm_bytes.h"
#include "attest/tpm/structure/tpm_hash.h"
#include "protocol/base/error.h"
#include "protocol/base/random.h"
#include "protocol/base/secret.h"

namespace sealfold {
namespace {

constexpr char kIdentity[] = "IDENTITY";

// The seed, and how it travels.
struct Seed {
  Secret seed;
  Bytes encrypted = {};
};

Bytes Coordinate(EVP_PKEY* key, const char* name, size_t size) {
  BIGNUM* raw = nullptr;
  SEALFOLD_CHECK(EVP_PKEY_get_bn_param(key, name, &raw) == 1);
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> number(raw, &BN_free);
  Bytes out(size);
  SEALFOLD_CHECK(BN_bn2binpad(raw, out.data(), static_cast<int>(size)) == static_cast<int>(size));
  return out;
}

absl::StatusOr<Seed> SeedForRsa(EVP_PKEY* key, const EVP_MD* md, size_t size) {
  Seed out{.seed = RandomSecret(size)};
  SEALFOLD_ASSIGN_OR_RETURN(out.encrypted, TpmOaepEncrypt(key, md, kIdentity, out.seed.span()));
  return out;
}

// One-pass ECDH with a key made for this (Part 1, C.6.1).
absl::StatusOr<Seed> SeedForEcc(const TpmPublic& public_area, EVP_PKEY* key, const EVP_MD* md,
                                size_t size) {
  const bool p256 = public_area.curve == kTpmCurveP256;
  const size_t coordinate = p256 ? 32 : 48;
  const UniquePkey ephemeral(EVP_EC_gen(p256 ? "P-256" : "P-384"), &EVP_PKEY_free);
  SEALFOLD_CHECK(ephemeral != nullptr);
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, ephemeral.get(), nullptr), &EVP_PKEY_CTX_free);
  SEALFOLD_CHECK(context != nullptr && EVP_PKEY_derive_init(context.get()) == 1 &&
                 EVP_PKEY_derive_set_peer(context.get(), key) == 1);
  Secret shared(coordinate);
  size_t shared_size = coordinate;
  SEALFOLD_CHECK(EVP_PKEY_derive(context.get(), shared.mutable_span().data(), &shared_size) == 1 &&
                 shared_size == coordinate);
  const Bytes x = Coordinate(ephemeral.get(), OSSL_PKEY_PARAM_EC_PUB_X, coordinate);
  const Bytes y = Coordinate(ephemeral.get(), OSSL_PKEY_PARAM_EC_PUB_Y, coordinate);
  const Bytes peer_x = Coordinate(key, OSSL_PKEY_PARAM_EC_PUB_X, coordinate);
  Seed out{.seed =
               TpmKdfE(md, shared.span(), kIdentity, x, peer_x, static_cast<uint32_t>(8 * size))};
  out.encrypted = TpmWriter().Sized(x).Sized(y).bytes();
  return out;
}

Bytes EncryptCfb(ByteSpan key, ByteSpan plain) {
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> context(
      EVP_CIPHER_CTX_new(), &EVP_CIPHER_CTX_free);
  const uint8_t iv[16] = {};
  const EVP_CIPHER* cipher = key.size() == 16 ? EVP_aes_128_cfb128() : EVP_aes_256_cfb128();
  Bytes out(plain.size());
  int size = 0;
  SEALFOLD_CHECK(context != nullptr &&
                 EVP_EncryptInit_ex(context.get(), cipher, nullptr, key.data(), iv) == 1 &&
                 EVP_EncryptUpdate(context.get(), out.data(), &size, plain.data(),
                                   static_cast<int>(plain.size())) == 1);
  return out;
}

}  // namespace

absl::StatusOr<TpmCredential> MakeCredential(const TpmPublic& endorsement_key, ByteSpan name,
                                             ByteSpan secret) {
  const size_t hash_size = TpmHashSize(endorsement_key.name_hash);
  const EVP_MD* md = TpmHashMd(endorsement_key.name_hash);
  SEALFOLD_CHECK(secret.size() <= hash_size);
  if (endorsement_key.symmetric != kTpmAlgAes) {
    return BadInput({.code = "tpm_key",
                     .what = "endorsement key",
                     .expected = "a storage key, with a cipher of its own",
                     .found = "one without"});
  }
  SEALFOLD_ASSIGN_OR_RETURN(const UniquePkey key, endorsement_key.Key());
  SEALFOLD_ASSIGN_OR_RETURN(Seed seed, endorsement_key.type == kTpmAlgRsa
                                           ? SeedForRsa(key.get(), md, hash_size)
                                           : SeedForEcc(endorsement_key, key.get(), md, hash_size));
  const Secret cipher_key =
      TpmKdfA(md, seed.seed.span(), "STORAGE", name, {}, endorsement_key.symmetric_bits);
  Bytes plain = TpmWriter().Sized(secret).bytes();
  const Bytes identity = EncryptCfb(cipher_key.span(), plain);
  Wipe(absl::MakeSpan(plain));
  const Secret mac_key =
      TpmKdfA(md, seed.seed.span(), "INTEGRITY", {}, {}, static_cast<uint32_t>(8 * hash_size));
  const Bytes mac = TpmHmac(md, mac_key.span(), {identity, name});
  return TpmCredential{.blob = TpmWriter().Sized(mac).Raw(identity).bytes(),
                       .encrypted_secret = std::move(seed.encrypted)};
}

}  // namespace sealfold
