#include "attest/tpm/structure/tpm_public.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "attest/tpm/structure/tpm_bytes.h"
#include "attest/tpm/structure/tpm_hash.h"
#include "attest/tpm/structure/tpm_quote.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr size_t kAuthPolicySizeMax = 64;
constexpr uint32_t kExponent = 65537;

size_t CoordinateSize(uint16_t curve) { return curve == kTpmCurveP256 ? 32 : 48; }

// TPMT_SYM_DEF_OBJECT.
void ReadSymmetric(TpmReader& reader, TpmPublic& key) {
  key.symmetric = reader.U16();
  if (key.symmetric == kTpmAlgNull) return;
  reader.Require(key.symmetric == kTpmAlgAes, "symmetric", "AES or none", key.symmetric);
  key.symmetric_bits = reader.U16();
  reader.Require(key.symmetric_bits == 128 || key.symmetric_bits == 256, "keyBits", "128 or 256",
                 key.symmetric_bits);
  const uint16_t mode = reader.U16();
  reader.Require(mode == kTpmAlgCfb, "mode", "CFB", mode);
}

// TPMT_RSA_SCHEME, TPMT_ECC_SCHEME.
void ReadScheme(TpmReader& reader, TpmPublic& key) {
  key.scheme = reader.U16();
  if (key.scheme == kTpmAlgNull) return;
  const bool fits = key.type == kTpmAlgEcc
                        ? key.scheme == kTpmAlgEcdsa
                        : key.scheme == kTpmAlgRsaSsa || key.scheme == kTpmAlgRsaPss;
  reader.Require(fits, "scheme", "RSASSA or RSAPSS for RSA, ECDSA for ECC, or none", key.scheme);
  key.scheme_hash = reader.U16();
  reader.Require(TpmHashSize(key.scheme_hash) != 0, "scheme's hash", "SHA-256 or SHA-384",
                 key.scheme_hash);
}

void ReadRsa(TpmReader& reader, TpmPublic& key) {
  const uint16_t bits = reader.U16();
  reader.Require(bits == 2048 || bits == 3072 || bits == 4096, "keyBits", "2048, 3072 or 4096",
                 bits);
  const uint32_t exponent = reader.U32();
  reader.Require(exponent == 0 || exponent == kExponent, "exponent", "65537, written as 0",
                 exponent);
  key.modulus = ToBytes(reader.Sized("modulus", bits / 8));
  reader.Require(key.modulus.size() == bits / 8 && (key.modulus.empty() || key.modulus[0] >= 0x80),
                 "modulus", "a number of keyBits", key.modulus.size());
  // OpenSSL takes an even number for a key, and then neither encrypts to it nor verifies by it.
  const uint8_t last = key.modulus.empty() ? 1 : key.modulus.back();
  reader.Require(last % 2 == 1, "modulus's last byte", "an odd one", last);
}

void ReadEcc(TpmReader& reader, TpmPublic& key) {
  key.curve = reader.U16();
  reader.Require(key.curve == kTpmCurveP256 || key.curve == kTpmCurveP384, "curveID",
                 "NIST P-256 or P-384", key.curve);
  const uint16_t kdf = reader.U16();
  reader.Require(kdf == kTpmAlgNull, "kdf", "none", kdf);
  key.x = ToBytes(reader.Sized("x", CoordinateSize(key.curve)));
  key.y = ToBytes(reader.Sized("y", CoordinateSize(key.curve)));
}

absl::Status BadKey() {
  ERR_clear_error();
  return BadInput({.code = "tpm_key",
                   .what = "TPM key",
                   .expected = "a valid public key",
                   .found = "one that is none"});
}

absl::StatusOr<UniquePkey> FromParameters(const char* type, OSSL_PARAM_BLD* build) {
  const std::unique_ptr<OSSL_PARAM, decltype(&OSSL_PARAM_free)> parameters(
      OSSL_PARAM_BLD_to_param(build), &OSSL_PARAM_free);
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr), &EVP_PKEY_CTX_free);
  SEALFOLD_CHECK(parameters != nullptr && context != nullptr);
  EVP_PKEY* raw = nullptr;
  if (EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &raw, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return BadKey();
  }
  return UniquePkey(raw, &EVP_PKEY_free);
}

absl::Status CheckPoint(EVP_PKEY& key) {
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> check(
      EVP_PKEY_CTX_new_from_pkey(nullptr, &key, nullptr), &EVP_PKEY_CTX_free);
  SEALFOLD_CHECK(check != nullptr);
  return EVP_PKEY_public_check(check.get()) == 1 ? absl::OkStatus() : BadKey();
}

}  // namespace

absl::StatusOr<TpmPublic> ParseTpmPublic(ByteSpan bytes) {
  TpmReader reader("TPMT_PUBLIC", bytes);
  TpmPublic key{.bytes = ToBytes(bytes)};
  key.type = reader.U16();
  reader.Require(key.type == kTpmAlgRsa || key.type == kTpmAlgEcc, "type", "RSA or ECC", key.type);
  key.name_hash = reader.U16();
  reader.Require(TpmHashSize(key.name_hash) != 0, "nameAlg", "SHA-256 or SHA-384", key.name_hash);
  key.attributes = reader.U32();
  key.auth_policy = ToBytes(reader.Sized("authPolicy", kAuthPolicySizeMax));
  ReadSymmetric(reader, key);
  ReadScheme(reader, key);
  if (key.type == kTpmAlgRsa) {
    ReadRsa(reader, key);
  } else {
    ReadEcc(reader, key);
  }
  SEALFOLD_RETURN_IF_ERROR(reader.Finish());
  return key;
}

Bytes TpmPublic::Name() const {
  return TpmWriter().U16(name_hash).Raw(TpmHash(name_hash, {bytes})).bytes();
}

Bytes TpmPublic::QualifiedName(uint32_t hierarchy) const {
  const Bytes parent = TpmWriter().U32(hierarchy).bytes();
  return TpmWriter().U16(name_hash).Raw(TpmHash(name_hash, {parent, Name()})).bytes();
}

absl::StatusOr<UniquePkey> TpmPublic::Key() const {
  const std::unique_ptr<OSSL_PARAM_BLD, decltype(&OSSL_PARAM_BLD_free)> build(OSSL_PARAM_BLD_new(),
                                                                              &OSSL_PARAM_BLD_free);
  SEALFOLD_CHECK(build != nullptr);
  if (type == kTpmAlgEcc) {
    const size_t size = CoordinateSize(curve);
    Bytes point = {0x04};  // uncompressed
    for (const Bytes* coordinate : {&x, &y}) {
      point.resize(point.size() + size - coordinate->size());
      Append(point, *coordinate);
    }
    const char* group = curve == kTpmCurveP256 ? "P-256" : "P-384";
    SEALFOLD_CHECK(
        OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, group, 0) == 1);
    SEALFOLD_CHECK(OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                                    point.data(), point.size()) == 1);
    SEALFOLD_ASSIGN_OR_RETURN(UniquePkey key, FromParameters("EC", build.get()));
    SEALFOLD_RETURN_IF_ERROR(CheckPoint(*key));
    return key;
  }
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> n(
      BN_bin2bn(modulus.data(), static_cast<int>(modulus.size()), nullptr), &BN_free);
  SEALFOLD_CHECK(n != nullptr &&
                 OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) == 1 &&
                 OSSL_PARAM_BLD_push_uint32(build.get(), OSSL_PKEY_PARAM_RSA_E, kExponent) == 1);
  // OpenSSL's own check of a modulus draws random numbers, and a verdict is to depend on nothing
  // but what came in. Whose key it is tells its certificate or the policy.
  return FromParameters("RSA", build.get());
}

absl::Status CheckAttestationKey(const TpmPublic& key) {
  constexpr std::pair<uint32_t, const char*> kNeeded[] = {
      {kTpmRestricted, "restricted"},
      {kTpmSign, "sign"},
      {kTpmFixedTpm, "fixedTPM"},
      {kTpmFixedParent, "fixedParent"},
      {kTpmSensitiveDataOrigin, "sensitiveDataOrigin"}};
  std::string found;
  for (const auto& [bit, name] : kNeeded) {
    if ((key.attributes & bit) == 0 && found.empty()) found = absl::StrCat("no ", name);
  }
  if ((key.attributes & kTpmDecrypt) != 0 && found.empty()) found = "decrypt";
  if (key.symmetric != kTpmAlgNull && found.empty()) found = "a key that encrypts";
  if (key.scheme == kTpmAlgNull && found.empty()) found = "no signing scheme";
  if (found.empty()) return absl::OkStatus();
  return Refused({.code = "attestation_key",
                  .what = "attestation key",
                  .expected =
                      "restricted, sign, fixedTPM, fixedParent, sensitiveDataOrigin and not "
                      "decrypt, with a scheme of its own",
                  .found = std::move(found)});
}

}  // namespace sealfold
