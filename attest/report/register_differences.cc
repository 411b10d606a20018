#include "attest/report/register_differences.h"

#include "absl/strings/str_cat.h"
#include "attest/claims_check.h"
#include "attest/nitro/document.h"
#include "attest/nitrotpm/nitrotpm_verifier.h"
#include "attest/tpm/log/explain.h"
#include "attest/tpm/structure/tpm_hash.h"
#include "attest/tpm/tpm_evidence.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

using nlohmann::ordered_json;

absl::StatusOr<EventLog> ParseLog(const char* which, ByteSpan log,
                                  const std::map<uint32_t, Bytes>& registers) {
  const size_t size = registers.empty() ? 0 : registers.begin()->second.size();
  const uint16_t bank = size == TpmHashSize(kTpmAlgSha384) ? kTpmAlgSha384 : kTpmAlgSha256;
  absl::StatusOr<EventLog> parsed = ParseEventLog(log, bank);
  if (!parsed.ok()) return About(which, parsed.status());
  return parsed;
}

std::string Text(const RegisterExplanation& explanation) {
  if (!explanation.log_holds) {
    return "the log does not lead to it: it is incomplete, of another boot, or made up";
  }
  if (!explanation.differs) return "as in the reference log";
  return absl::StrCat("expected ", explanation.expected, "; found ", explanation.found);
}

}  // namespace

absl::StatusOr<ClaimedRegisters> ReadClaimedRegisters(ByteSpan document) {
  ClaimedRegisters out;
  if (auto tpm = ParseTpmEvidence(document); tpm.ok()) {
    size_t next = 0;
    for (uint32_t index = 0; index < kTpmRegisters; ++index) {
      if (InMask(tpm->quote.registers, index)) {
        out.registers[index] = tpm->evidence.registers[next++];
      }
    }
    out.event_log = std::move(tpm->evidence.event_log);
    return out;
  }
  absl::StatusOr<NitroDocument> nitro = ParseNitroDocument(document);
  if (!nitro.ok()) nitro = ParseNitroDocument(document, kNitroTpmDocument);
  SEALFOLD_RETURN_IF_ERROR(nitro.status());
  out.registers = std::move(nitro->registers);
  return out;
}

absl::StatusOr<ordered_json> EventLines(const std::map<uint32_t, Bytes>& registers,
                                        ByteSpan event_log) {
  SEALFOLD_ASSIGN_OR_RETURN(const EventLog log, ParseLog("event log", event_log, registers));
  ordered_json lines = ordered_json::array();
  for (const TpmEvent& event : log.events) {
    if (!event.extends() || registers.count(event.register_index) == 0) continue;
    lines.push_back(absl::StrCat("pcr", event.register_index, " ", event.Describe(), ", digest ",
                                 ShortHex(event.digest)));
  }
  return lines;
}

absl::StatusOr<ordered_json> RegisterDifferences(const std::map<uint32_t, Bytes>& registers,
                                                 ByteSpan event_log, ByteSpan reference_log) {
  SEALFOLD_ASSIGN_OR_RETURN(const EventLog log, ParseLog("event log", event_log, registers));
  SEALFOLD_ASSIGN_OR_RETURN(const EventLog reference,
                            ParseLog("reference log", reference_log, registers));
  ordered_json out = ordered_json::object();
  for (const RegisterExplanation& each :
       ExplainRegisters(log, registers, ReferenceFromLog(reference))) {
    out[absl::StrCat("pcr", each.register_index)] = Text(each);
  }
  return out;
}

}  // namespace sealfold
