// A TPM key's public area, TPMT_PUBLIC (Part 2, 12.2.4), and what it is called.
#ifndef SEALFOLD_ATTEST_TPM_STRUCTURE_TPM_PUBLIC_H_
#define SEALFOLD_ATTEST_TPM_STRUCTURE_TPM_PUBLIC_H_

#include <openssl/evp.h>

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"

namespace sealfold {

inline constexpr uint16_t kTpmAlgRsa = 0x0001;
inline constexpr uint16_t kTpmAlgAes = 0x0006;
inline constexpr uint16_t kTpmAlgCfb = 0x0043;
inline constexpr uint16_t kTpmAlgEcc = 0x0023;
inline constexpr uint16_t kTpmCurveP256 = 0x0003;
inline constexpr uint16_t kTpmCurveP384 = 0x0004;

// TPMA_OBJECT.
inline constexpr uint32_t kTpmFixedTpm = 1u << 1;
inline constexpr uint32_t kTpmFixedParent = 1u << 4;
inline constexpr uint32_t kTpmSensitiveDataOrigin = 1u << 5;
inline constexpr uint32_t kTpmUserWithAuth = 1u << 6;
inline constexpr uint32_t kTpmAdminWithPolicy = 1u << 7;
inline constexpr uint32_t kTpmNoLockout = 1u << 10;  // noDA: there is nothing to guess
inline constexpr uint32_t kTpmRestricted = 1u << 16;
inline constexpr uint32_t kTpmDecrypt = 1u << 17;
inline constexpr uint32_t kTpmSign = 1u << 18;

inline constexpr uint32_t kTpmOwner = 0x40000001;  // hierarchies
inline constexpr uint32_t kTpmEndorsement = 0x4000000b;

using UniquePkey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

struct TpmPublic {
  Bytes bytes = {};        // as parsed
  uint16_t type = 0;       // kTpmAlgRsa or kTpmAlgEcc
  uint16_t name_hash = 0;  // SHA-256 or SHA-384
  uint32_t attributes = 0;
  Bytes auth_policy = {};
  // For a storage key: AES in CFB mode and its bits; kTpmAlgNull and 0 otherwise.
  uint16_t symmetric = 0;
  uint16_t symmetric_bits = 0;
  uint16_t scheme = 0;       // what the key signs with; kTpmAlgNull: the caller's choice
  uint16_t scheme_hash = 0;  // 0 where it leaves the scheme open
  Bytes modulus = {};        // RSA: 2048 to 4096 bits; the exponent is 65537
  uint16_t curve = 0;        // ECC
  Bytes x = {}, y = {};

  // nameAlg || H(bytes): names the key with all its attributes.
  Bytes Name() const;
  // What a TPM calls it in quotes where it is a primary key of `hierarchy`.
  Bytes QualifiedName(uint32_t hierarchy) const;
  // The key for OpenSSL. InvalidArgument, code "tpm_key", where it is none (a point off the curve).
  absl::StatusOr<UniquePkey> Key() const;
};

// InvalidArgument, codes "tpm_*", for anything but an RSA or an ECC (P-256, P-384) key.
absl::StatusOr<TpmPublic> ParseTpmPublic(ByteSpan bytes);

// Whether the TPM itself made the key, keeps it, and signs nothing with it but what the TPM itself
// states: restricted, sign, fixedTPM, fixedParent, sensitiveDataOrigin, not decrypt. A key without
// "restricted" would sign a quote that its owner wrote. PermissionDenied, code "attestation_key".
absl::Status CheckAttestationKey(const TpmPublic& key);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_STRUCTURE_TPM_PUBLIC_H_
