// tpm2-tss's ESYS with owners for what it hands out, and its errors as ours.
#ifndef SEALFOLD_ATTEST_TPM_DEVICE_ESYS_H_
#define SEALFOLD_ATTEST_TPM_DEVICE_ESYS_H_

#include <tss2/tss2_esys.h>

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"

namespace sealfold {

struct EsysFree {
  void operator()(void* pointer) const { Esys_Free(pointer); }
};
// Owner of what ESYS returns through a T**.
template <class T>
using EsysPtr = std::unique_ptr<T, EsysFree>;

// OK, or Unavailable with code "tpm_device" and what the TPM or its driver said.
absl::Status TssStatus(TSS2_RC rc, absl::string_view what);

// The transport by itself: a command's bytes, and the whole of an answer, for which it waits.
TSS2_RC TctiTransmit(TSS2_TCTI_CONTEXT* tcti, ByteSpan command);
TSS2_RC TctiReceive(TSS2_TCTI_CONTEXT* tcti, Bytes& answer);

// One connection to a TPM. Moves, does not copy; for one thread at a time.
class Esys {
 public:
  // `tcti` as the loader takes it: "device:/dev/tpmrm0", "swtpm:path=...".
  static absl::StatusOr<Esys> Open(const std::string& tcti);
  // Over a transport that the caller owns and keeps.
  static absl::StatusOr<Esys> Borrow(TSS2_TCTI_CONTEXT* tcti);

  ESYS_CONTEXT* get() const { return context_.get(); }
  TSS2_TCTI_CONTEXT* tcti() const { return tcti_; }

 private:
  struct CloseTcti {
    void operator()(TSS2_TCTI_CONTEXT* tcti) const;
  };
  struct CloseContext {
    void operator()(ESYS_CONTEXT* context) const { Esys_Finalize(&context); }
  };
  Esys() = default;

  std::unique_ptr<TSS2_TCTI_CONTEXT, CloseTcti> owned_tcti_;  // outlives the context
  TSS2_TCTI_CONTEXT* tcti_ = nullptr;
  std::unique_ptr<ESYS_CONTEXT, CloseContext> context_;
};

// A key or session in the TPM. A transient one is flushed when its owner goes. The connection must
// outlive it.
class TpmHandle {
 public:
  TpmHandle() = default;
  TpmHandle(ESYS_CONTEXT* context, ESYS_TR handle, bool transient)
      : context_(context), handle_(handle), transient_(transient) {}
  TpmHandle(TpmHandle&& other) noexcept { *this = std::move(other); }
  TpmHandle& operator=(TpmHandle&& other) noexcept {
    std::swap(context_, other.context_);
    std::swap(handle_, other.handle_);
    std::swap(transient_, other.transient_);
    return *this;
  }
  ~TpmHandle();

  ESYS_TR get() const { return handle_; }

 private:
  ESYS_CONTEXT* context_ = nullptr;
  ESYS_TR handle_ = ESYS_TR_NONE;
  bool transient_ = false;
};

// The bytes of a structure as the TPM knows it.
absl::StatusOr<Bytes> MarshalPublic(const TPMT_PUBLIC& public_area);
absl::StatusOr<Bytes> MarshalSignature(const TPMT_SIGNATURE& signature);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_DEVICE_ESYS_H_
