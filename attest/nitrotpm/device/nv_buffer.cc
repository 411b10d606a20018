#include "attest/nitrotpm/device/nv_buffer.h"

#include <algorithm>
#include <utility>

#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr uint32_t kIndexes = 0x01800000;  // the owner's, of 2^22
constexpr uint32_t kIndexMask = 0x003fffff;
constexpr int kIndexTriesMax = 8;
constexpr size_t kAuthSize = 64;  // of SHA-512

absl::StatusOr<uint16_t> LargestStep(const Esys& esys) {
  TPMS_CAPABILITY_DATA* data = nullptr;
  const TSS2_RC rc =
      Esys_GetCapability(esys.get(), ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                         TPM2_CAP_TPM_PROPERTIES, TPM2_PT_NV_BUFFER_MAX, 1, nullptr, &data);
  const EsysPtr<TPMS_CAPABILITY_DATA> owned(data);
  SEALFOLD_RETURN_IF_ERROR(TssStatus(rc, "TPM's properties"));
  uint32_t step = 512;  // what any TPM takes
  const TPML_TAGGED_TPM_PROPERTY& properties = data->data.tpmProperties;
  if (properties.count == 1 && properties.tpmProperty[0].property == TPM2_PT_NV_BUFFER_MAX) {
    step = properties.tpmProperty[0].value;
  }
  return static_cast<uint16_t>(std::clamp<uint32_t>(step, 1, TPM2_MAX_NV_BUFFER_SIZE));
}

TPM2B_AUTH AuthOf(const Secret& auth) {
  TPM2B_AUTH out = {};
  SEALFOLD_CHECK(auth.size() <= sizeof(out.buffer));
  out.size = static_cast<uint16_t>(auth.size());
  std::copy(auth.span().begin(), auth.span().end(), out.buffer);
  return out;
}

}  // namespace

absl::StatusOr<NvBuffer> NvBuffer::Define(const Esys& esys, uint16_t size,
                                          const FillBytes& random) {
  SEALFOLD_ASSIGN_OR_RETURN(const uint16_t step, LargestStep(esys));
  Secret auth(kAuthSize);
  random(auth.mutable_span());
  auth.mutable_span().back() |= 1;  // a TPM takes zeros off the end of an authorisation value
  TPM2B_AUTH auth_value = AuthOf(auth);
  NvBuffer buffer(esys.get(), 0, size, step, std::move(auth));
  TSS2_RC rc = TPM2_RC_NV_DEFINED;
  for (int i = 0; i < kIndexTriesMax && rc == TPM2_RC_NV_DEFINED; ++i) {
    Bytes draw(4);
    random(absl::MakeSpan(draw));
    const uint32_t low = uint32_t{draw[0]} << 16 | uint32_t{draw[1]} << 8 | draw[2];
    buffer.index_ = kIndexes | (low & kIndexMask);
    TPM2B_NV_PUBLIC wanted = {};
    wanted.nvPublic.nvIndex = buffer.index_;
    wanted.nvPublic.nameAlg = TPM2_ALG_SHA512;
    wanted.nvPublic.attributes = TPMA_NV_AUTHREAD | TPMA_NV_AUTHWRITE;
    wanted.nvPublic.dataSize = size;
    rc = Esys_NV_DefineSpace(esys.get(), ESYS_TR_RH_OWNER, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                             ESYS_TR_NONE, &auth_value, &wanted, &buffer.handle_);
  }
  Wipe(MutableByteSpan(auth_value.buffer, sizeof(auth_value.buffer)));
  SEALFOLD_RETURN_IF_ERROR(TssStatus(rc, "TPM's NV index"));
  return buffer;
}

NvBuffer::NvBuffer(NvBuffer&& other) noexcept
    : context_(other.context_),
      index_(other.index_),
      size_(other.size_),
      step_(other.step_),
      auth_(std::move(other.auth_)),
      handle_(std::exchange(other.handle_, ESYS_TR_NONE)) {}

NvBuffer::~NvBuffer() {
  if (handle_ == ESYS_TR_NONE) return;
  Esys_NV_UndefineSpace(context_, ESYS_TR_RH_OWNER, handle_, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                        ESYS_TR_NONE);
}

absl::Status NvBuffer::Write(ByteSpan bytes) {
  SEALFOLD_CHECK(bytes.size() <= size_);
  for (size_t offset = 0; offset < bytes.size(); offset += step_) {
    const ByteSpan piece = bytes.subspan(offset, step_);
    TPM2B_MAX_NV_BUFFER buffer = {};
    buffer.size = static_cast<uint16_t>(piece.size());
    std::copy(piece.begin(), piece.end(), buffer.buffer);
    SEALFOLD_RETURN_IF_ERROR(
        TssStatus(Esys_NV_Write(context_, handle_, handle_, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                ESYS_TR_NONE, &buffer, static_cast<uint16_t>(offset)),
                  "TPM's NV index, writing"));
  }
  return absl::OkStatus();
}

absl::StatusOr<Bytes> NvBuffer::Read() {
  Bytes out;
  while (out.size() < size_) {
    const auto step = static_cast<uint16_t>(std::min<size_t>(step_, size_ - out.size()));
    TPM2B_MAX_NV_BUFFER* data = nullptr;
    const TSS2_RC rc = Esys_NV_Read(context_, handle_, handle_, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                    ESYS_TR_NONE, step, static_cast<uint16_t>(out.size()), &data);
    const EsysPtr<TPM2B_MAX_NV_BUFFER> owned(data);
    SEALFOLD_RETURN_IF_ERROR(TssStatus(rc, "TPM's NV index, reading"));
    if (data->size != step) {
      return PeerError({.code = "tpm_device",
                        .what = "TPM's NV index, reading",
                        .expected = "as much as was asked for",
                        .found = "another size"});
    }
    Append(out, ByteSpan(data->buffer, data->size));
  }
  return out;
}

absl::StatusOr<Bytes> NvBuffer::Name() const {
  TPM2B_NAME* name = nullptr;
  const TSS2_RC rc = Esys_NV_ReadPublic(context_, handle_, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE,
                                        nullptr, &name);
  const EsysPtr<TPM2B_NAME> owned(name);
  SEALFOLD_RETURN_IF_ERROR(TssStatus(rc, "TPM's NV index"));
  return Bytes(name->name, name->name + name->size);
}

}  // namespace sealfold
