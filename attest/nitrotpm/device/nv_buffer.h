// A piece of a TPM's NV memory that lives as long as its owner: how requests go to a NitroTPM and
// answers come back.
#ifndef SEALFOLD_ATTEST_NITROTPM_DEVICE_NV_BUFFER_H_
#define SEALFOLD_ATTEST_NITROTPM_DEVICE_NV_BUFFER_H_

#include "absl/status/statusor.h"
#include "attest/nitrotpm/device/hmac_session.h"
#include "attest/tpm/device/esys.h"

namespace sealfold {

// Moves, does not copy. The connection must outlive it.
class NvBuffer {
 public:
  // Defines an index of `size` bytes, name algorithm SHA-512, read and written by its authorisation
  // value only, which is random. Requires: the owner hierarchy's authorisation is empty.
  // Unavailable, code "tpm_device".
  static absl::StatusOr<NvBuffer> Define(const Esys& esys, uint16_t size, const FillBytes& random);
  NvBuffer(NvBuffer&& other) noexcept;
  NvBuffer& operator=(NvBuffer&&) = delete;
  ~NvBuffer();  // undefines it

  uint32_t index() const { return index_; }
  const Secret& auth() const { return auth_; }

  // From its beginning. Requires: it fits.
  absl::Status Write(ByteSpan bytes);
  absl::StatusOr<Bytes> Read();
  // Its name as the TPM has it now: the first write changes it.
  absl::StatusOr<Bytes> Name() const;

 private:
  NvBuffer(ESYS_CONTEXT* context, uint32_t index, uint16_t size, uint16_t step, Secret auth)
      : context_(context), index_(index), size_(size), step_(step), auth_(std::move(auth)) {}

  ESYS_CONTEXT* context_;
  uint32_t index_;
  uint16_t size_, step_;  // step_: the most that the TPM moves at once
  Secret auth_;
  ESYS_TR handle_ = ESYS_TR_NONE;
};

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_NITROTPM_DEVICE_NV_BUFFER_H_
