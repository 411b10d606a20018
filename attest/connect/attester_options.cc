#include "attest/connect/attester_options.h"

namespace sealfold {

void AddAttesterOptions(CLI::App& app, AttesterSettings& settings) {
  settings.platform = "sealfold-softnsm";
  app.add_option("--attester", settings.device,
                 "The attestation device: sealfold-softnsm's socket; aws-nitro: /dev/nsm; "
                 "aws-nitrotpm: device:/dev/tpm0; tpm2: device:/dev/tpmrm0, or another TCTI")
      ->required();
  app.add_option("--platform", settings.platform,
                 "Platform that signs the evidence: sealfold-softnsm, aws-nitro, aws-nitrotpm or "
                 "tpm2")
      ->capture_default_str();
  app.add_option("--tpm-bank", settings.tpm_bank, "tpm2: bank to quote; sha256 if left out")
      ->check(CLI::IsMember({"sha256", "sha384"}));
  app.add_option("--tpm-registers", settings.tpm_registers,
                 "tpm2: registers to quote, e.g. 4,7,11; all if left out")
      ->delimiter(',');
  app.add_option("--tpm-key", settings.tpm_key,
                 "tpm2: persistent handle of the attestation key, e.g. 0x81010002; the endorsement "
                 "hierarchy's primary one if left out");
  app.add_option("--tpm-certificate", settings.tpm_certificates,
                 "tpm2: a certificate of the attestation key (PEM), given once for each from the "
                 "root to the key's; none where policies name the key");
  app.add_option(
      "--tpm-event-log", settings.tpm_event_log,
      "tpm2: log to send along, e.g. /sys/kernel/security/tpm0/binary_bios_measurements");
}

}  // namespace sealfold
