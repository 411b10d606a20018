// Asking whichever platform a program is told of for evidence: what all programs that make evidence
// share. Where the build has tpm2-tss (SEALFOLD_TPM), TPMs are among the platforms.
#ifndef SEALFOLD_ATTEST_CONNECT_CONNECT_ATTESTER_H_
#define SEALFOLD_ATTEST_CONNECT_CONNECT_ATTESTER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "attest/attester.h"

namespace sealfold {

struct AttesterSettings {
  // By its name in a policy: "sealfold-softnsm", "aws-nitro", "aws-nitrotpm", "tpm2".
  std::string platform = {};
  // Where it is reached: a socket, a device, or a TPM as tpm2-tss names it (its TCTI
  // configuration).
  std::string device = {};
  // What follows is of "tpm2" alone.
  std::string tpm_bank = {};                 // "sha256" or "sha384"; empty: the former
  std::vector<uint32_t> tpm_registers = {};  // which to quote; empty: all
  std::string tpm_key = {};                  // a persistent handle, as 0x81010002; empty: the
                                             // endorsement hierarchy's primary attestation key
  std::vector<std::string> tpm_certificates = {};  // paths, PEM: of the attestation key, root first
  std::string tpm_event_log = {};                  // path: sent along with every quote
};

// PermissionDenied, code "platform_unknown", where this build has none such; InvalidArgument
// ("tpm_settings", or of the files named); else as the platform's attester.
absl::StatusOr<std::unique_ptr<Attester>> ConnectAttester(const AttesterSettings& settings);

// Whether several threads are to share one attester (SharedAttester): TPMs, of which a NitroTPM's
// device opens once only. Others have a connection each, so that none waits for another's answer.
bool AsksOverOneConnection(const AttesterSettings& settings);

// The persistent handle that a person wrote. InvalidArgument, code "tpm_settings".
absl::StatusOr<uint32_t> PersistentHandle(const std::string& text);

// tpm2-tss writes what it thinks of an error on stderr, before ours; from here on it does not,
// unless its own variable TSS2_LOG asks for it. To be called before there are threads.
void QuietTpmLibrary();

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_CONNECT_CONNECT_ATTESTER_H_
