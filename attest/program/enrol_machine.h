// The machine's half of an enrolment: what asks its TPM.
#ifndef SEALFOLD_ATTEST_PROGRAM_ENROL_MACHINE_H_
#define SEALFOLD_ATTEST_PROGRAM_ENROL_MACHINE_H_

#include <string>
#include <vector>

#include "attest/tpm/enrol/enrolment.h"

namespace sealfold {

inline constexpr size_t kEnrolmentFileSizeMax = 1u << 16;

struct EnrolMachine {
  std::string tcti;
  std::string attestation_key;  // a persistent handle; empty: the primary one
  std::string endorsement_kind = "rsa2048";
  std::vector<std::string> certificates;  // paths, PEM: of the endorsement key, root first
};

// Unavailable ("tpm_device"); PermissionDenied ("platform_unknown") where this build asks no TPM;
// InvalidArgument.
absl::StatusOr<EnrolmentRequest> ShowKeys(const EnrolMachine& machine);
absl::StatusOr<Bytes> OpenCredential(const EnrolMachine& machine, const TpmCredential& credential);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_PROGRAM_ENROL_MACHINE_H_
