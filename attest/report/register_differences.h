// What firmware's event logs tell people of a register: of which events it is made, and which of
// them makes it differ from a machine that is trusted.
#ifndef SEALFOLD_ATTEST_REPORT_REGISTER_DIFFERENCES_H_
#define SEALFOLD_ATTEST_REPORT_REGISTER_DIFFERENCES_H_

#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"

namespace sealfold {

// What evidence CLAIMS; nothing of it is verified.
struct ClaimedRegisters {
  std::map<uint32_t, Bytes> registers = {};
  std::optional<Bytes> event_log = {};  // a TPM quote's, where it was sent along
};
// InvalidArgument for bytes that are no document of a platform's.
absl::StatusOr<ClaimedRegisters> ReadClaimedRegisters(ByteSpan document);

// A line for each event of the log that was extended into one of `registers`, whose bank the log
// must have. InvalidArgument, codes "event_log_*".
absl::StatusOr<nlohmann::ordered_json> EventLines(const std::map<uint32_t, Bytes>& registers,
                                                  ByteSpan event_log);

// {"pcr4": "expected EVENT, found EVENT"...}: for each of `registers` that either log is about, the
// first step in which the machine's log departs from the reference's, that there is none, or that
// the machine's log does not lead to the register, so that nothing can be told. Errors as above.
absl::StatusOr<nlohmann::ordered_json> RegisterDifferences(
    const std::map<uint32_t, Bytes>& registers, ByteSpan event_log, ByteSpan reference_log);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_REPORT_REGISTER_DIFFERENCES_H_
