#include "attest/report/describe_evidence.h"

#include "absl/strings/str_cat.h"
#include "attest/claims_check.h"
#include "attest/nitro/document.h"
#include "attest/nitrotpm/nitrotpm_verifier.h"
#include "attest/tpm/structure/tpm_hash.h"
#include "attest/tpm/tpm_evidence.h"
#include "protocol/base/error.h"
#include "protocol/text/time.h"

namespace sealfold {
namespace {

using nlohmann::ordered_json;

ordered_json HexOrNull(const std::optional<Bytes>& bytes) {
  return bytes.has_value() ? ordered_json(HexEncode(*bytes)) : ordered_json();
}

Description DescribeTpmEvidence(const ParsedTpmEvidence& tpm) {
  ordered_json registers;
  size_t next = 0;
  for (uint32_t index = 0; index < kTpmRegisters; ++index) {
    if (((tpm.quote.registers >> index) & 1) == 0) continue;
    registers[absl::StrCat("pcr", index)] = HexEncode(tpm.evidence.registers[next++]);
  }
  return Description{
      "evidence",
      "A TPM 2.0 quote: what follows is what it CLAIMS, NOT VERIFIED here: that takes a policy",
      {{"attestation_key", HexEncode(tpm.key.Name()),
        "name of the key; a policy lists it under attestation_keys"},
       {"timestamp", TimeTextOfMillis(tpm.evidence.timestamp_ms), "by the machine's clock"},
       {"bank", TpmHashName(tpm.quote.bank), "of the registers"},
       {"registers", registers, "measurements; pcr4 is what was booted, pcr7 who signed it"},
       {"nonce", HexOrNull(tpm.evidence.nonce), "of the session it was made for"},
       {"user_data", HexOrNull(tpm.evidence.user_data),
        "SHA-256 of the binding: plan, round, attempt, keys"},
       {"public_key", HexOrNull(tpm.evidence.public_key), "updates are sealed to it"},
       {"certificates", tpm.evidence.certificates.size(), "of the attestation key"}}};
}

}  // namespace

absl::StatusOr<Description> DescribeEvidence(ByteSpan document) {
  if (auto tpm = ParseTpmEvidence(document); tpm.ok()) return DescribeTpmEvidence(*tpm);
  absl::StatusOr<NitroDocument> parsed = ParseNitroDocument(document);
  const bool enclave = parsed.ok();
  if (!enclave) parsed = ParseNitroDocument(document, kNitroTpmDocument);
  SEALFOLD_RETURN_IF_ERROR(parsed.status());
  const NitroDocument& nitro = *parsed;
  ordered_json registers;
  for (const auto& [index, value] : nitro.registers) {
    registers[absl::StrCat("pcr", index)] = IsAllZero(value) ? "all zero" : HexEncode(value);
  }
  return Description{
      "evidence",
      "An attestation document: what follows is what it CLAIMS, NOT VERIFIED here: that takes a "
      "policy",
      {{"module_id", nitro.module_id, "which machine or enclave"},
       {"timestamp", TimeTextOfMillis(nitro.timestamp_ms), "by the platform's clock"},
       {"registers", registers,
        enclave ? "measurements; pcr0 is the program's. All zero in pcr0 would be debug mode"
                : "measurements of a NitroTPM; pcr4 is what was booted, pcr7 who signed it"},
       {"nonce", HexOrNull(nitro.nonce), "of the session it was made for"},
       {"user_data", HexOrNull(nitro.user_data),
        "SHA-256 of the binding: plan, round, attempt, keys"},
       {"public_key", HexOrNull(nitro.public_key), "updates are sealed to it"},
       {"certificates", nitro.cabundle.size() + 1,
        "from the platform's root to the one that signed"}}};
}

}  // namespace sealfold
