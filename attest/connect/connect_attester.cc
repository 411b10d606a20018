#include "attest/connect/connect_attester.h"

#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "attest/x509/certificate.h"
#include "protocol/base/error.h"
#include "protocol/program/program.h"
#include "protocol/program/wall_clock.h"
#ifdef SEALFOLD_TPM
#include "attest/nitrotpm/device/nitrotpm_attester.h"
#include "attest/tpm/device/tpm_attester.h"
#include "attest/tpm/log/event_log.h"
#include "attest/tpm/tpm_evidence.h"
#include "attest/tpm/tpm_registers.h"
#endif

namespace sealfold {
namespace {

constexpr char kPlatforms[] =
    "aws-nitro"
#ifdef SEALFOLD_TPM
    ", aws-nitrotpm, tpm2"
#endif
#ifdef SEALFOLD_SOFTWARE_PLATFORM
    ", sealfold-softnsm"
#endif
    ;

absl::Status WrongSetting(std::string what, std::string expected, std::string found) {
  return BadInput({.code = "tpm_settings",
                   .what = std::move(what),
                   .expected = std::move(expected),
                   .found = std::move(found)});
}

bool HasTpmSettings(const AttesterSettings& settings) {
  return !settings.tpm_bank.empty() || !settings.tpm_registers.empty() ||
         !settings.tpm_key.empty() || !settings.tpm_certificates.empty() ||
         !settings.tpm_event_log.empty();
}

#ifdef SEALFOLD_TPM
absl::StatusOr<uint32_t> RegisterMask(const std::vector<uint32_t>& registers) {
  uint32_t mask = 0;
  for (const uint32_t index : registers) {
    if (index >= kTpmRegisters) {
      return WrongSetting("registers to quote", absl::StrCat("below ", kTpmRegisters),
                          absl::StrCat(index));
    }
    mask |= uint32_t{1} << index;
  }
  return mask;
}

absl::StatusOr<std::unique_ptr<Attester>> ConnectTpm(const AttesterSettings& settings) {
  TpmAttesterOptions options{.now_ms = WallMs};
  if (settings.tpm_bank == "sha384") {
    options.bank = kTpmAlgSha384;
  } else if (!settings.tpm_bank.empty() && settings.tpm_bank != "sha256") {
    return WrongSetting("TPM's bank", "sha256 or sha384", settings.tpm_bank);
  }
  if (!settings.tpm_registers.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(options.registers, RegisterMask(settings.tpm_registers));
  }
  if (!settings.tpm_key.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(options.persistent_handle, PersistentHandle(settings.tpm_key));
  }
  for (const std::string& path : settings.tpm_certificates) {
    SEALFOLD_ASSIGN_OR_RETURN(const std::string pem, ReadFile(path, 2 * kTpmCertificateSizeMax));
    const absl::StatusOr<Certificate> certificate = Certificate::FromPem(pem);
    if (!certificate.ok()) return About(path, certificate.status());
    options.certificates.push_back(certificate->der());
  }
  if (!settings.tpm_event_log.empty()) {
    SEALFOLD_ASSIGN_OR_RETURN(const std::string log,
                              ReadFile(settings.tpm_event_log, kEventLogSizeMax));
    options.event_log = ToBytes(AsBytes(log));
  }
  return ConnectTpmAttester(settings.device, std::move(options));
}
#endif

}  // namespace

absl::StatusOr<std::unique_ptr<Attester>> ConnectAttester(const AttesterSettings& settings) {
  if (settings.platform != "tpm2" && HasTpmSettings(settings)) {
    return WrongSetting("settings of a TPM's evidence", "platform tpm2", settings.platform);
  }
#ifdef SEALFOLD_SOFTWARE_PLATFORM
  if (settings.platform == "sealfold-softnsm") return ConnectSoftwareAttester(settings.device);
#endif
  if (settings.platform == "aws-nitro") return OpenNsmAttester(settings.device);
#ifdef SEALFOLD_TPM
  if (settings.platform == "aws-nitrotpm") return ConnectNitroTpmAttester(settings.device);
  if (settings.platform == "tpm2") return ConnectTpm(settings);
#endif
  return Refused({.code = "platform_unknown",
                  .what = "platform of the evidence",
                  .expected = absl::StrCat("one that this build makes evidence of: ", kPlatforms),
                  .found = settings.platform,
                  .advice = "name one of these, or use a build that has it"});
}

bool AsksOverOneConnection(const AttesterSettings& settings) {
  return settings.platform == "aws-nitrotpm" || settings.platform == "tpm2";
}

absl::StatusOr<uint32_t> PersistentHandle(const std::string& text) {
  uint32_t handle = 0;
  if (absl::StartsWith(text, "0x") && absl::SimpleHexAtoi(text, &handle) && handle >> 24 == 0x81) {
    return handle;
  }
  return WrongSetting("TPM's key", "a persistent handle, 0x81000000 to 0x81ffffff", text);
}

void QuietTpmLibrary() { setenv("TSS2_LOG", "all+NONE", /*overwrite=*/0); }

}  // namespace sealfold
