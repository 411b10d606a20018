#include "attest/testing/forge/forge_tpm.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

#include "attest/testing/forge/forge.h"
#include "attest/tpm/structure/tpm_bytes.h"
#include "attest/x509/ecdsa.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

Bytes Number(const EVP_PKEY* key, const char* name, size_t size) {
  BIGNUM* number = nullptr;
  SEALFOLD_CHECK(EVP_PKEY_get_bn_param(key, name, &number) == 1);
  Bytes out(size);
  SEALFOLD_CHECK(BN_bn2binpad(number, out.data(), static_cast<int>(size)) ==
                 static_cast<int>(size));
  BN_free(number);
  return out;
}

}  // namespace

ForgedKey ForgedKey::Ecdsa(uint16_t curve, uint16_t hash) {
  ForgedKey key;
  key.key.reset(EVP_EC_gen(curve == kTpmCurveP256 ? "P-256" : "P-384"));
  key.scheme = kTpmAlgEcdsa;
  key.hash = hash;
  key.curve = curve;
  return key;
}

ForgedKey ForgedKey::Rsa(uint16_t scheme, uint16_t hash) {
  ForgedKey key;
  key.key.reset(EVP_RSA_gen(2048));
  key.scheme = scheme;
  key.hash = hash;
  return key;
}

Bytes ForgedKey::Public() const {
  const bool ecc = scheme == kTpmAlgEcdsa;
  TpmWriter out;
  out.U16(ecc ? kTpmAlgEcc : kTpmAlgRsa).U16(kTpmAlgSha256).U32(attributes).Sized({});
  out.U16(kTpmAlgNull).U16(scheme).U16(hash);
  if (ecc) {
    const size_t size = curve == kTpmCurveP256 ? 32 : 48;
    out.U16(curve).U16(kTpmAlgNull);
    out.Sized(Number(key.get(), OSSL_PKEY_PARAM_EC_PUB_X, size));
    out.Sized(Number(key.get(), OSSL_PKEY_PARAM_EC_PUB_Y, size));
  } else {
    out.U16(2048).U32(0).Sized(Number(key.get(), OSSL_PKEY_PARAM_RSA_N, 256));
  }
  return out.bytes();
}

Bytes ForgedKey::Sign(ByteSpan message) const {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  EVP_PKEY_CTX* parameters = nullptr;
  SEALFOLD_CHECK(
      EVP_DigestSignInit(context.get(), &parameters, TpmHashMd(hash), nullptr, key.get()) == 1);
  if (scheme == kTpmAlgRsaPss) {
    SEALFOLD_CHECK(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
  }
  Bytes raw(static_cast<size_t>(EVP_PKEY_get_size(key.get())));
  size_t size = raw.size();
  SEALFOLD_CHECK(EVP_DigestSign(context.get(), raw.data(), &size, message.data(), message.size()) ==
                 1);
  raw.resize(size);
  TpmWriter out;
  out.U16(scheme).U16(hash);
  if (scheme != kTpmAlgEcdsa) return out.Sized(raw).bytes();
  const size_t scalar = curve == kTpmCurveP256 ? 32 : 48;
  const Bytes both = EcdsaFromDer(raw, scalar);
  out.Sized(ByteSpan(both).first(scalar));
  return out.Sized(ByteSpan(both).subspan(scalar)).bytes();
}

Bytes WriteQuote(const QuoteSpec& spec, const ForgedKey& key, const TpmBinding& binding,
                 const std::vector<Bytes>& values) {
  Bytes all;
  for (const Bytes& value : values) Append(all, value);
  TpmWriter out;
  out.U32(spec.magic).U16(spec.type);
  out.Sized(key.Parsed().QualifiedName(spec.hierarchy));
  out.Sized(spec.extra_data.value_or(binding.QualifyingData(spec.bank)));
  out.U64(123'456).U32(7).U32(1).U8(1).U64(0x2019102300163636);
  out.U32(1).U16(spec.bank).U8(3);
  for (int shift : {0, 8, 16}) out.U8(static_cast<uint8_t>(spec.registers >> shift));
  return out.Sized(spec.register_digest.value_or(TpmHash(key.hash, {all}))).bytes();
}

TpmEvidence ForgeTpmEvidence(const ForgedKey& key, const QuoteSpec& spec) {
  const size_t size = TpmHashSize(spec.bank);
  TpmEvidence evidence{.registers = {Bytes(size, 0x44), Bytes(size, 0x77), Bytes(size)},
                       .timestamp_ms = kForgeTime_ms,
                       .nonce = ToBytes(AsBytes("nonce"))};
  Requote(evidence, key, spec);
  return evidence;
}

void Requote(TpmEvidence& evidence, const ForgedKey& key, const QuoteSpec& spec) {
  evidence.attest = WriteQuote(spec, key, evidence.Binding(), evidence.registers);
  evidence.signature = key.Sign(evidence.attest);
  evidence.attestation_key = key.Public();
}

EvidencePolicy ForgeTpmPolicy(const ForgedKey& key, uint16_t bank) {
  return {
      .platform = "tpm2",
      .attestation_keys = {key.Parsed().Name()},
      .reference_values = {{.name = "image", .registers = {{4, Bytes(TpmHashSize(bank), 0x44)}}}}};
}

}  // namespace sealfold
