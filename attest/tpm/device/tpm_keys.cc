#include "attest/tpm/device/tpm_keys.h"

#include <algorithm>
#include <array>
#include <utility>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

// PolicySecret(TPM_RH_ENDORSEMENT) with SHA-256, as the templates say.
constexpr std::array<uint8_t, 32> kEndorsementPolicy = {
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24,
    0xfd, 0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa};

ESYS_TR HierarchyHandle(uint32_t hierarchy) {
  SEALFOLD_CHECK(hierarchy == kTpmEndorsement || hierarchy == kTpmOwner);
  return hierarchy == kTpmEndorsement ? ESYS_TR_RH_ENDORSEMENT : ESYS_TR_RH_OWNER;
}

absl::StatusOr<TpmKey> CreatePrimary(const Esys& esys, uint32_t hierarchy,
                                     const TPM2B_PUBLIC& wanted, absl::string_view what) {
  const TPM2B_SENSITIVE_CREATE sensitive = {};
  const TPM2B_DATA outside = {};
  const TPML_PCR_SELECTION creation = {};
  ESYS_TR handle = ESYS_TR_NONE;
  TPM2B_PUBLIC* made = nullptr;
  const TSS2_RC rc = Esys_CreatePrimary(esys.get(), HierarchyHandle(hierarchy), ESYS_TR_PASSWORD,
                                        ESYS_TR_NONE, ESYS_TR_NONE, &sensitive, &wanted, &outside,
                                        &creation, &handle, &made, nullptr, nullptr, nullptr);
  const EsysPtr<TPM2B_PUBLIC> owned(made);
  SEALFOLD_RETURN_IF_ERROR(TssStatus(rc, what));
  TpmKey key{.handle = TpmHandle(esys.get(), handle, true)};
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes bytes, MarshalPublic(made->publicArea));
  SEALFOLD_ASSIGN_OR_RETURN(key.public_area, ParseTpmPublic(bytes));
  return key;
}

// A key on the curve P-256 that has all of its purpose in `attributes` until more is set.
TPM2B_PUBLIC P256Template(TPMA_OBJECT attributes) {
  TPM2B_PUBLIC out = {};
  out.publicArea.type = TPM2_ALG_ECC;
  out.publicArea.nameAlg = TPM2_ALG_SHA256;
  out.publicArea.objectAttributes = attributes;
  TPMS_ECC_PARMS& parameters = out.publicArea.parameters.eccDetail;
  parameters.symmetric.algorithm = TPM2_ALG_NULL;
  parameters.scheme.scheme = TPM2_ALG_NULL;
  parameters.curveID = TPM2_ECC_NIST_P256;
  parameters.kdf.scheme = TPM2_ALG_NULL;
  return out;
}

TPM2B_PUBLIC AttestationTemplate() {
  TPM2B_PUBLIC out = P256Template(kTpmFixedTpm | kTpmFixedParent | kTpmSensitiveDataOrigin |
                                  kTpmUserWithAuth | kTpmRestricted | kTpmSign);
  TPMT_ECC_SCHEME& scheme = out.publicArea.parameters.eccDetail.scheme;
  scheme.scheme = TPM2_ALG_ECDSA;
  scheme.details.ecdsa.hashAlg = TPM2_ALG_SHA256;
  return out;
}

// What a key that keeps other keys encrypts them by.
TPMT_SYM_DEF_OBJECT Aes128Cfb() {
  TPMT_SYM_DEF_OBJECT out = {};
  out.algorithm = TPM2_ALG_AES;
  out.keyBits.aes = 128;
  out.mode.aes = TPM2_ALG_CFB;
  return out;
}

TPM2B_PUBLIC StorageTemplate() {
  TPM2B_PUBLIC out = P256Template(kTpmFixedTpm | kTpmFixedParent | kTpmSensitiveDataOrigin |
                                  kTpmUserWithAuth | kTpmNoLockout | kTpmRestricted | kTpmDecrypt);
  out.publicArea.parameters.eccDetail.symmetric = Aes128Cfb();
  return out;
}

TPM2B_PUBLIC EndorsementTemplate(EndorsementKeyKind kind) {
  TPM2B_PUBLIC out = {};
  TPMT_PUBLIC& area = out.publicArea;
  area.nameAlg = TPM2_ALG_SHA256;
  area.objectAttributes = kTpmFixedTpm | kTpmFixedParent | kTpmSensitiveDataOrigin |
                          kTpmAdminWithPolicy | kTpmRestricted | kTpmDecrypt;
  area.authPolicy.size = kEndorsementPolicy.size();
  std::copy(kEndorsementPolicy.begin(), kEndorsementPolicy.end(), area.authPolicy.buffer);
  if (kind == EndorsementKeyKind::kRsa2048) {
    area.type = TPM2_ALG_RSA;
    area.parameters.rsaDetail.symmetric = Aes128Cfb();
    area.parameters.rsaDetail.scheme.scheme = TPM2_ALG_NULL;
    area.parameters.rsaDetail.keyBits = 2048;
    area.unique.rsa.size = 256;  // zeros, as all of the templates' unique values
  } else {
    area.type = TPM2_ALG_ECC;
    area.parameters.eccDetail.symmetric = Aes128Cfb();
    area.parameters.eccDetail.scheme.scheme = TPM2_ALG_NULL;
    area.parameters.eccDetail.curveID = TPM2_ECC_NIST_P256;
    area.parameters.eccDetail.kdf.scheme = TPM2_ALG_NULL;
    area.unique.ecc.x.size = 32;
    area.unique.ecc.y.size = 32;
  }
  return out;
}

// A session that authorises the use of an endorsement key.
absl::StatusOr<TpmHandle> StartEndorsementSession(const Esys& esys) {
  TPMT_SYM_DEF symmetric = {};
  symmetric.algorithm = TPM2_ALG_NULL;
  ESYS_TR session = ESYS_TR_NONE;
  SEALFOLD_RETURN_IF_ERROR(
      TssStatus(Esys_StartAuthSession(esys.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                      ESYS_TR_NONE, ESYS_TR_NONE, nullptr, TPM2_SE_POLICY,
                                      &symmetric, TPM2_ALG_SHA256, &session),
                "TPM's policy session"));
  TpmHandle owned(esys.get(), session, true);
  SEALFOLD_RETURN_IF_ERROR(TssStatus(
      Esys_PolicySecret(esys.get(), ESYS_TR_RH_ENDORSEMENT, session, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                        ESYS_TR_NONE, nullptr, nullptr, nullptr, 0, nullptr, nullptr),
      "TPM's endorsement hierarchy"));
  return owned;
}

}  // namespace

absl::StatusOr<TpmKey> CreateAttestationKey(const Esys& esys, uint32_t hierarchy) {
  return CreatePrimary(esys, hierarchy, AttestationTemplate(), "TPM's attestation key");
}

absl::StatusOr<TpmKey> LoadAttestationKey(const Esys& esys, uint32_t persistent_handle) {
  SEALFOLD_ASSIGN_OR_RETURN(TpmKey key, LoadKey(esys, persistent_handle));
  SEALFOLD_RETURN_IF_ERROR(About(absl::StrCat("0x", absl::Hex(persistent_handle)),
                                 CheckAttestationKey(key.public_area)));
  return key;
}

absl::StatusOr<TpmKey> LoadKey(const Esys& esys, uint32_t persistent_handle) {
  const std::string what = absl::StrCat("TPM's key at 0x", absl::Hex(persistent_handle));
  ESYS_TR handle = ESYS_TR_NONE;
  SEALFOLD_RETURN_IF_ERROR(
      TssStatus(Esys_TR_FromTPMPublic(esys.get(), persistent_handle, ESYS_TR_NONE, ESYS_TR_NONE,
                                      ESYS_TR_NONE, &handle),
                what));
  TpmKey key{.handle = TpmHandle(esys.get(), handle, false)};
  TPM2B_PUBLIC* found = nullptr;
  const TSS2_RC rc = Esys_ReadPublic(esys.get(), handle, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                     &found, nullptr, nullptr);
  const EsysPtr<TPM2B_PUBLIC> owned(found);
  SEALFOLD_RETURN_IF_ERROR(TssStatus(rc, what));
  SEALFOLD_ASSIGN_OR_RETURN(const Bytes bytes, MarshalPublic(found->publicArea));
  SEALFOLD_ASSIGN_OR_RETURN(key.public_area, ParseTpmPublic(bytes));
  return key;
}

absl::StatusOr<TpmKey> CreateEndorsementKey(const Esys& esys, EndorsementKeyKind kind) {
  return CreatePrimary(esys, kTpmEndorsement, EndorsementTemplate(kind), "TPM's endorsement key");
}

absl::StatusOr<TpmKey> CreateStorageRootKey(const Esys& esys) {
  return CreatePrimary(esys, kTpmOwner, StorageTemplate(), "TPM's storage root key");
}

absl::StatusOr<Bytes> ActivateCredential(const Esys& esys, const TpmKey& attestation_key,
                                         const TpmKey& endorsement_key,
                                         const TpmCredential& credential) {
  TPM2B_ID_OBJECT blob = {};
  TPM2B_ENCRYPTED_SECRET secret = {};
  if (credential.blob.size() > sizeof(blob.credential) ||
      credential.encrypted_secret.size() > sizeof(secret.secret)) {
    return BadInput({.code = "credential_malformed",
                     .what = "credential",
                     .expected = "one that a TPM takes",
                     .found = "a larger one"});
  }
  blob.size = static_cast<uint16_t>(credential.blob.size());
  std::copy(credential.blob.begin(), credential.blob.end(), blob.credential);
  secret.size = static_cast<uint16_t>(credential.encrypted_secret.size());
  std::copy(credential.encrypted_secret.begin(), credential.encrypted_secret.end(), secret.secret);
  SEALFOLD_ASSIGN_OR_RETURN(const TpmHandle session, StartEndorsementSession(esys));
  TPM2B_DIGEST* opened = nullptr;
  const TSS2_RC rc = Esys_ActivateCredential(esys.get(), attestation_key.handle.get(),
                                             endorsement_key.handle.get(), ESYS_TR_PASSWORD,
                                             session.get(), ESYS_TR_NONE, &blob, &secret, &opened);
  const EsysPtr<TPM2B_DIGEST> owned(opened);
  SEALFOLD_RETURN_IF_ERROR(TssStatus(rc, "TPM's activation of the credential"));
  return Bytes(opened->buffer, opened->buffer + opened->size);
}

}  // namespace sealfold
