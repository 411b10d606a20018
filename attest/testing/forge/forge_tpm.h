// Quotes of the tests' own making: a TPM's structures signed by a key that is in no TPM, with
// anything wrong in them that a test wants.
#ifndef SEALFOLD_ATTEST_TESTING_FORGE_FORGE_TPM_H_
#define SEALFOLD_ATTEST_TESTING_FORGE_FORGE_TPM_H_

#include <optional>

#include "attest/software/authority/key.h"
#include "attest/tpm/structure/tpm_hash.h"
#include "attest/tpm/structure/tpm_public.h"
#include "attest/tpm/tpm_evidence.h"
#include "attest/verifier.h"

namespace sealfold {

// An attestation key as a TPM would describe it: good unless a test changes it.
struct ForgedKey {
  static ForgedKey Ecdsa(uint16_t curve = kTpmCurveP256, uint16_t hash = kTpmAlgSha256);
  static ForgedKey Rsa(uint16_t scheme, uint16_t hash = kTpmAlgSha256);

  UniqueKey key{nullptr, &EVP_PKEY_free};
  uint16_t scheme = 0, hash = 0, curve = 0;
  uint32_t attributes = kTpmFixedTpm | kTpmFixedParent | kTpmSensitiveDataOrigin |
                        kTpmUserWithAuth | kTpmRestricted | kTpmSign;

  Bytes Public() const;                // TPMT_PUBLIC
  Bytes Sign(ByteSpan message) const;  // TPMT_SIGNATURE
  TpmPublic Parsed() const { return ParseTpmPublic(Public()).value(); }
};

// A quote's content. An unset member is what it must be.
struct QuoteSpec {
  uint32_t magic = 0xff544347;
  uint16_t type = 0x8018;
  uint32_t hierarchy = kTpmEndorsement;
  std::optional<Bytes> extra_data = {};
  std::optional<Bytes> register_digest = {};
  uint16_t bank = kTpmAlgSha256;
  uint32_t registers = (1u << 4) | (1u << 7) | (1u << 12);
};

// TPMS_ATTEST by `key` over `values`.
Bytes WriteQuote(const QuoteSpec& spec, const ForgedKey& key, const TpmBinding& binding,
                 const std::vector<Bytes>& values);

// Good evidence at kForgeTime_ms (forge.h) for nonce "nonce": registers 4 and 7 all 0x44 and 0x77,
// 12 zero.
TpmEvidence ForgeTpmEvidence(const ForgedKey& key, const QuoteSpec& spec = {});
// Quotes and signs again, after a change of the rest.
void Requote(TpmEvidence& evidence, const ForgedKey& key, const QuoteSpec& spec = {});

// That accepts it by the key's name.
EvidencePolicy ForgeTpmPolicy(const ForgedKey& key, uint16_t bank = kTpmAlgSha256);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TESTING_FORGE_FORGE_TPM_H_
