// Why a register is not what was expected: which event made the difference.
#ifndef SEALFOLD_ATTEST_TPM_LOG_EXPLAIN_H_
#define SEALFOLD_ATTEST_TPM_LOG_EXPLAIN_H_

#include <map>
#include <string>
#include <vector>

#include "attest/tpm/log/event_log.h"

namespace sealfold {

// What was extended into each register, in order, and what to call each step.
struct ReferenceEvent {
  Bytes digest = {};
  std::string description = {};  // may be empty
};
using ReferenceEvents = std::map<uint32_t, std::vector<ReferenceEvent>>;

// A log of a machine that is trusted, as reference.
ReferenceEvents ReferenceFromLog(const EventLog& log);

struct RegisterExplanation {
  uint32_t register_index = 0;
  // The log leads to the value that the TPM quoted. Where it does not, nothing else here means
  // anything: the log is incomplete, of another boot, or made up.
  bool log_holds = false;
  bool differs = false;  // from the reference
  std::string expected =
      {};                  // the reference's first step that is not in the log, "the end" if none
  std::string found = {};  // the log's event in its place, "the end" if none
};

// One for each register of `quoted` that log or reference have events for. `quoted` are the values
// of a verified quote over the log's bank.
std::vector<RegisterExplanation> ExplainRegisters(const EventLog& log,
                                                  const std::map<uint32_t, Bytes>& quoted,
                                                  const ReferenceEvents& reference);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_LOG_EXPLAIN_H_
