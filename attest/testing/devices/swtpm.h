// A real software TPM (swtpm) of a test's own, on sockets in a folder of its own.
#ifndef SEALFOLD_ATTEST_TESTING_DEVICES_SWTPM_H_
#define SEALFOLD_ATTEST_TESTING_DEVICES_SWTPM_H_

#include <string>

#include "attest/tpm/device/esys.h"
#include "protocol/program/child_process.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold {

// Freshly made and started up; ended with its state when its owner goes. swtpm serves one
// connection after another but may drop one that comes while it still closes the last: a test keeps
// to one.
class Swtpm {
 public:
  Swtpm();
  ~Swtpm();
  Swtpm(const Swtpm&) = delete;
  Swtpm& operator=(const Swtpm&) = delete;

  // For Esys::Open, once, instead of the transport below.
  std::string conf() const { return "swtpm:path=" + folder_.Path("s"); }
  // The one connection, made when first asked for.
  TSS2_TCTI_CONTEXT* tcti();
  Esys Connect() { return Esys::Borrow(tcti()).value(); }
  // Closes it, for another in its place, once nothing uses it.
  void Disconnect();

 private:
  TempDir folder_;
  ChildProcess process_;
  TSS2_TCTI_CONTEXT* tcti_ = nullptr;
};

// Extends a register in all banks with their digests, or with digests made of `byte`s.
void ExtendRegister(const Esys& esys, uint32_t index, ByteSpan sha256, ByteSpan sha384);
void ExtendRegister(const Esys& esys, uint32_t index, uint8_t byte);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TESTING_DEVICES_SWTPM_H_
