// Event logs: what is read keeps its bounds, replays to whole registers, and explains itself by
// itself without a difference.
#include <cstddef>
#include <cstdint>

#include "attest/tpm/log/explain.h"
#include "attest/tpm/structure/tpm_hash.h"
#include "protocol/base/error.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sealfold;  // NOLINT(google-build-using-namespace): a program of one function
  for (uint16_t bank : {kTpmAlgSha256, kTpmAlgSha384}) {
    const absl::StatusOr<EventLog> log = ParseEventLog(ByteSpan(data, size), bank);
    if (!log.ok()) continue;
    for (const TpmEvent& event : log->events) {
      SEALFOLD_CHECK(event.register_index < 24 && event.digest.size() == TpmHashSize(bank));
      SEALFOLD_CHECK(event.Describe().size() < 200);
    }
    const auto registers = ReplayEventLog(*log);
    for (const auto& each : ExplainRegisters(*log, registers, ReferenceFromLog(*log))) {
      SEALFOLD_CHECK(each.log_holds && !each.differs);
    }
  }
  return 0;
}
