#include "attest/testing/devices/swtpm.h"

#include <tss2/tss2_tctildr.h>

#include <chrono>
#include <cstring>
#include <fstream>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

constexpr int kStartTriesMax = 3000;
constexpr std::chrono::milliseconds kBetweenTries(10);

ChildProcess StartSwtpm(const TempDir& folder) {
  absl::StatusOr<ChildProcess> process = ChildProcess::Start(
      {"swtpm", "socket", "--tpm2", "--tpmstate", absl::StrCat("dir=", folder.path()), "--server",
       absl::StrCat("type=unixio,path=", folder.Path("s")), "--ctrl",
       absl::StrCat("type=unixio,path=", folder.Path("s.ctrl")), "--flags",
       "not-need-init,startup-clear"},
      {.out = ChildProcess::Stream::kNull, .err = ChildProcess::Stream::kNull});
  SEALFOLD_CHECK(process.ok());
  return *std::move(process);
}

// Whether somebody listens at the socket. Connecting would be the one connection.
bool Listens(const std::string& path) {
  std::ifstream sockets("/proc/net/unix");
  std::string line;
  while (std::getline(sockets, line)) {
    // The flags of a socket that accepts connections.
    if (absl::EndsWith(line, absl::StrCat(" ", path)) && absl::StrContains(line, " 00010000 ")) {
      return true;
    }
  }
  return false;
}

}  // namespace

Swtpm::Swtpm() : process_(StartSwtpm(folder_)) {
  int tries = 0;
  while (!Listens(folder_.Path("s")) || !Listens(folder_.Path("s.ctrl"))) {
    SEALFOLD_CHECK(process_.Running() && ++tries < kStartTriesMax);
    std::this_thread::sleep_for(kBetweenTries);
  }
}

Swtpm::~Swtpm() { Disconnect(); }

void Swtpm::Disconnect() {
  if (tcti_ != nullptr) Tss2_TctiLdr_Finalize(&tcti_);
}

TSS2_TCTI_CONTEXT* Swtpm::tcti() {
  if (tcti_ == nullptr) {
    SEALFOLD_CHECK(Tss2_TctiLdr_Initialize(conf().c_str(), &tcti_) == TSS2_RC_SUCCESS);
  }
  return tcti_;
}

void ExtendRegister(const Esys& esys, uint32_t index, ByteSpan sha256, ByteSpan sha384) {
  SEALFOLD_CHECK(sha256.size() == TPM2_SHA256_DIGEST_SIZE &&
                 sha384.size() == TPM2_SHA384_DIGEST_SIZE);
  TPML_DIGEST_VALUES values = {};
  values.count = 2;
  values.digests[0].hashAlg = TPM2_ALG_SHA256;
  std::memcpy(values.digests[0].digest.sha256, sha256.data(), sha256.size());
  values.digests[1].hashAlg = TPM2_ALG_SHA384;
  std::memcpy(values.digests[1].digest.sha384, sha384.data(), sha384.size());
  SEALFOLD_CHECK(Esys_PCR_Extend(esys.get(), ESYS_TR_PCR0 + index, ESYS_TR_PASSWORD, ESYS_TR_NONE,
                                 ESYS_TR_NONE, &values) == TSS2_RC_SUCCESS);
}

void ExtendRegister(const Esys& esys, uint32_t index, uint8_t byte) {
  ExtendRegister(esys, index, Bytes(TPM2_SHA256_DIGEST_SIZE, byte),
                 Bytes(TPM2_SHA384_DIGEST_SIZE, byte));
}

}  // namespace sealfold
