#include "attest/program/enrol_machine.h"

#include "attest/connect/connect_attester.h"
#include "attest/x509/certificate.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"
#ifdef SEALFOLD_TPM
#include "attest/tpm/device/tpm_keys.h"
#endif

namespace sealfold {

#ifdef SEALFOLD_TPM

namespace {

// The connection outlives the keys.
struct MachineKeys {
  Esys esys;
  TpmKey endorsement;
  TpmKey attestation;
};

absl::StatusOr<MachineKeys> LoadKeys(const EnrolMachine& machine) {
  SEALFOLD_ASSIGN_OR_RETURN(Esys esys, Esys::Open(machine.tcti));
  SEALFOLD_ASSIGN_OR_RETURN(TpmKey endorsement,
                            CreateEndorsementKey(esys, machine.endorsement_kind == "p256"
                                                           ? EndorsementKeyKind::kEccP256
                                                           : EndorsementKeyKind::kRsa2048));
  if (machine.attestation_key.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(TpmKey attestation, CreateAttestationKey(esys, kTpmEndorsement));
    return MachineKeys{std::move(esys), std::move(endorsement), std::move(attestation)};
  }
  SEALFOLD_ASSIGN_OR_RETURN(const uint32_t handle, PersistentHandle(machine.attestation_key));
  SEALFOLD_ASSIGN_OR_RETURN(TpmKey attestation, LoadAttestationKey(esys, handle));
  return MachineKeys{std::move(esys), std::move(endorsement), std::move(attestation)};
}

}  // namespace

absl::StatusOr<EnrolmentRequest> ShowKeys(const EnrolMachine& machine) {
  SEALFOLD_ASSIGN_OR_RETURN(const MachineKeys keys, LoadKeys(machine));
  EnrolmentRequest request{.endorsement_key = keys.endorsement.public_area.bytes,
                           .attestation_key = keys.attestation.public_area.bytes};
  for (const std::string& path : machine.certificates) {
    SEALFOLD_ASSIGN_OR_RETURN(const std::string pem, ReadFile(path, kEnrolmentFileSizeMax));
    const absl::StatusOr<Certificate> certificate = Certificate::FromPem(pem);
    if (!certificate.ok()) return About(path, certificate.status());
    request.certificates.push_back(certificate->der());
  }
  return request;
}

absl::StatusOr<Bytes> OpenCredential(const EnrolMachine& machine, const TpmCredential& credential) {
  SEALFOLD_ASSIGN_OR_RETURN(const MachineKeys keys, LoadKeys(machine));
  return ActivateCredential(keys.esys, keys.attestation, keys.endorsement, credential);
}

#else

namespace {

absl::Status NoTpm() {
  return Refused({.code = "platform_unknown",
                  .what = "this machine's TPM",
                  .expected = "a build with tpm2-tss",
                  .found = "one without",
                  .advice = "use a build with SEALFOLD_TPM=ON on the machine"});
}

}  // namespace

absl::StatusOr<EnrolmentRequest> ShowKeys(const EnrolMachine&) { return NoTpm(); }
absl::StatusOr<Bytes> OpenCredential(const EnrolMachine&, const TpmCredential&) { return NoTpm(); }

#endif

}  // namespace sealfold
