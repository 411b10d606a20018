#include "attest/tpm/device/tpm_seal.h"

#include <tss2/tss2_mu.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "attest/tpm/device/tpm_keys.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr TPMA_SESSION kBothWays =
    TPMA_SESSION_CONTINUESESSION | TPMA_SESSION_DECRYPT | TPMA_SESSION_ENCRYPT;
constexpr TPMA_SESSION kAnswerOnly = TPMA_SESSION_CONTINUESESSION | TPMA_SESSION_ENCRYPT;

// Salted to the key, so that its encryption is between us and the TPM that has it.
absl::StatusOr<TpmHandle> StartSession(const Esys& esys, const TpmHandle& key) {
  TPMT_SYM_DEF symmetric = {};
  symmetric.algorithm = TPM2_ALG_AES;
  symmetric.keyBits.aes = 128;
  symmetric.mode.aes = TPM2_ALG_CFB;
  ESYS_TR session = ESYS_TR_NONE;
  SEALFOLD_RETURN_IF_ERROR(
      TssStatus(Esys_StartAuthSession(esys.get(), key.get(), ESYS_TR_NONE, ESYS_TR_NONE,
                                      ESYS_TR_NONE, ESYS_TR_NONE, nullptr, TPM2_SE_HMAC, &symmetric,
                                      TPM2_ALG_SHA256, &session),
                "TPM's session"));
  return TpmHandle(esys.get(), session, true);
}

absl::Status SetSession(const Esys& esys, const TpmHandle& session, TPMA_SESSION attributes) {
  return TssStatus(Esys_TRSess_SetAttributes(esys.get(), session.get(), attributes, 0xff),
                   "TPM's session");
}

absl::Status Malformed() {
  return BadInput({.code = "tpm_seal_malformed",
                   .what = "secret sealed by a TPM",
                   .expected = "a TPM2B_PRIVATE and a TPM2B_PUBLIC, nothing more",
                   .found = "something else"});
}

// A format-one code without the parameter that it is about.
bool IsIntegrity(TSS2_RC rc) { return (rc & 0xbfU) == TPM2_RC_INTEGRITY; }

}  // namespace

absl::StatusOr<Bytes> SealByTpm(const Esys& esys, const Secret& secret) {
  SEALFOLD_CHECK(!secret.empty() && secret.size() <= kTpmSecretSizeMax);
  SEALFOLD_ASSIGN_OR_RETURN(const TpmKey root, CreateStorageRootKey(esys));
  SEALFOLD_ASSIGN_OR_RETURN(const TpmHandle session, StartSession(esys, root.handle));
  SEALFOLD_RETURN_IF_ERROR(SetSession(esys, session, kBothWays));
  TPM2B_PUBLIC wanted = {};
  wanted.publicArea.type = TPM2_ALG_KEYEDHASH;
  wanted.publicArea.nameAlg = TPM2_ALG_SHA256;
  wanted.publicArea.objectAttributes =
      kTpmFixedTpm | kTpmFixedParent | kTpmUserWithAuth | kTpmNoLockout;
  wanted.publicArea.parameters.keyedHashDetail.scheme.scheme = TPM2_ALG_NULL;
  TPM2B_SENSITIVE_CREATE sensitive = {};
  sensitive.sensitive.data.size = static_cast<UINT16>(secret.size());
  std::copy(secret.span().begin(), secret.span().end(), sensitive.sensitive.data.buffer);
  const TPM2B_DATA outside = {};
  const TPML_PCR_SELECTION creation = {};
  TPM2B_PRIVATE* private_raw = nullptr;
  TPM2B_PUBLIC* public_raw = nullptr;
  const TSS2_RC rc = Esys_Create(esys.get(), root.handle.get(), session.get(), ESYS_TR_NONE,
                                 ESYS_TR_NONE, &sensitive, &wanted, &outside, &creation,
                                 &private_raw, &public_raw, nullptr, nullptr, nullptr);
  Wipe(MutableByteSpan(sensitive.sensitive.data.buffer, secret.size()));
  const EsysPtr<TPM2B_PRIVATE> private_part(private_raw);
  const EsysPtr<TPM2B_PUBLIC> public_part(public_raw);
  SEALFOLD_RETURN_IF_ERROR(TssStatus(rc, "sealing by the TPM"));
  Bytes out(kTpmSealedSizeMax);
  size_t size = 0;
  SEALFOLD_RETURN_IF_ERROR(TssStatus(
      Tss2_MU_TPM2B_PRIVATE_Marshal(private_part.get(), out.data(), out.size(), &size), "seal"));
  SEALFOLD_RETURN_IF_ERROR(TssStatus(
      Tss2_MU_TPM2B_PUBLIC_Marshal(public_part.get(), out.data(), out.size(), &size), "seal"));
  out.resize(size);
  return out;
}

absl::StatusOr<Secret> UnsealByTpm(const Esys& esys, ByteSpan sealed) {
  if (sealed.size() > kTpmSealedSizeMax) return Malformed();
  TPM2B_PRIVATE private_part = {};
  TPM2B_PUBLIC public_part = {};
  size_t at = 0;
  if (Tss2_MU_TPM2B_PRIVATE_Unmarshal(sealed.data(), sealed.size(), &at, &private_part) !=
          TSS2_RC_SUCCESS ||
      Tss2_MU_TPM2B_PUBLIC_Unmarshal(sealed.data(), sealed.size(), &at, &public_part) !=
          TSS2_RC_SUCCESS ||
      at != sealed.size()) {
    return Malformed();
  }
  SEALFOLD_ASSIGN_OR_RETURN(const TpmKey root, CreateStorageRootKey(esys));
  SEALFOLD_ASSIGN_OR_RETURN(const TpmHandle session, StartSession(esys, root.handle));
  SEALFOLD_RETURN_IF_ERROR(SetSession(esys, session, kBothWays));
  ESYS_TR loaded = ESYS_TR_NONE;
  const TSS2_RC rc = Esys_Load(esys.get(), root.handle.get(), session.get(), ESYS_TR_NONE,
                               ESYS_TR_NONE, &private_part, &public_part, &loaded);
  if (IsIntegrity(rc)) {
    return Refused(
        {.code = "tpm_seal_other",
         .what = "secret sealed by a TPM",
         .expected = "one that this TPM sealed",
         .found = "one of another, of this one before it was cleared, or changed bytes"});
  }
  SEALFOLD_RETURN_IF_ERROR(TssStatus(rc, "secret sealed by the TPM"));
  const TpmHandle object(esys.get(), loaded, true);
  SEALFOLD_RETURN_IF_ERROR(SetSession(esys, session, kAnswerOnly));
  TPM2B_SENSITIVE_DATA* raw = nullptr;
  const TSS2_RC unsealed =
      Esys_Unseal(esys.get(), object.get(), session.get(), ESYS_TR_NONE, ESYS_TR_NONE, &raw);
  const EsysPtr<TPM2B_SENSITIVE_DATA> data(raw);
  SEALFOLD_RETURN_IF_ERROR(TssStatus(unsealed, "unsealing by the TPM"));
  Secret secret = Secret::CopyOf(ByteSpan(data->buffer, data->size));
  Wipe(MutableByteSpan(data->buffer, data->size));
  return secret;
}

}  // namespace sealfold
