#include "attest/tpm/device/esys.h"

#include <tss2/tss2_mu.h>
#include <tss2/tss2_rc.h>
#include <tss2/tss2_tctildr.h>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr size_t kStructureSizeMax = 4096;
constexpr size_t kAnswerSizeMax = 4096;

// What TSS's own macros do with casts of the old style.
const TSS2_TCTI_CONTEXT_COMMON_V1& Common(TSS2_TCTI_CONTEXT* tcti) {
  return *reinterpret_cast<const TSS2_TCTI_CONTEXT_COMMON_V1*>(tcti);
}

}  // namespace

absl::Status TssStatus(TSS2_RC rc, absl::string_view what) {
  if (rc == TSS2_RC_SUCCESS) return absl::OkStatus();
  return PeerError({.code = "tpm_device",
                    .what = std::string(what),
                    .expected = "success",
                    .found = absl::StrCat(Tss2_RC_Decode(rc), " (0x", absl::Hex(rc), ")"),
                    .advice = "see that there is a TPM 2.0 and that this user may use it"});
}

TSS2_RC TctiTransmit(TSS2_TCTI_CONTEXT* tcti, ByteSpan command) {
  return Common(tcti).transmit(tcti, command.size(), command.data());
}

TSS2_RC TctiReceive(TSS2_TCTI_CONTEXT* tcti, Bytes& answer) {
  answer.resize(kAnswerSizeMax);
  size_t size = answer.size();
  const TSS2_RC rc = Common(tcti).receive(tcti, &size, answer.data(), TSS2_TCTI_TIMEOUT_BLOCK);
  answer.resize(rc == TSS2_RC_SUCCESS ? size : 0);
  return rc;
}

void Esys::CloseTcti::operator()(TSS2_TCTI_CONTEXT* tcti) const { Tss2_TctiLdr_Finalize(&tcti); }

absl::StatusOr<Esys> Esys::Open(const std::string& tcti) {
  TSS2_TCTI_CONTEXT* raw = nullptr;
  SEALFOLD_RETURN_IF_ERROR(
      TssStatus(Tss2_TctiLdr_Initialize(tcti.c_str(), &raw), absl::StrCat("TPM at ", tcti)));
  std::unique_ptr<TSS2_TCTI_CONTEXT, CloseTcti> owned(raw);
  SEALFOLD_ASSIGN_OR_RETURN(Esys esys, Borrow(raw));
  esys.owned_tcti_ = std::move(owned);
  return esys;
}

absl::StatusOr<Esys> Esys::Borrow(TSS2_TCTI_CONTEXT* tcti) {
  Esys esys;
  esys.tcti_ = tcti;
  ESYS_CONTEXT* raw = nullptr;
  SEALFOLD_RETURN_IF_ERROR(TssStatus(Esys_Initialize(&raw, tcti, nullptr), "TPM's ESYS"));
  esys.context_.reset(raw);
  return esys;
}

TpmHandle::~TpmHandle() {
  if (transient_) {
    Esys_FlushContext(context_, handle_);
  } else if (handle_ != ESYS_TR_NONE) {
    Esys_TR_Close(context_, &handle_);
  }
}

absl::StatusOr<Bytes> MarshalPublic(const TPMT_PUBLIC& public_area) {
  Bytes out(kStructureSizeMax);
  size_t size = 0;
  SEALFOLD_RETURN_IF_ERROR(
      TssStatus(Tss2_MU_TPMT_PUBLIC_Marshal(&public_area, out.data(), out.size(), &size),
                "TPM's public area"));
  out.resize(size);
  return out;
}

absl::StatusOr<Bytes> MarshalSignature(const TPMT_SIGNATURE& signature) {
  Bytes out(kStructureSizeMax);
  size_t size = 0;
  SEALFOLD_RETURN_IF_ERROR(
      TssStatus(Tss2_MU_TPMT_SIGNATURE_Marshal(&signature, out.data(), out.size(), &size),
                "TPM's signature"));
  out.resize(size);
  return out;
}

}  // namespace sealfold
