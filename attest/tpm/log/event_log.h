// The log of what firmware and boot loader extended into registers, in the crypto-agile form of the
// TCG PC Client Platform Firmware Profile (section 10): what Linux shows as
// binary_bios_measurements. It proves nothing by itself; replayed, it must lead to the registers of
// a quote, and then it says what they are made of.
#ifndef SEALFOLD_ATTEST_TPM_LOG_EVENT_LOG_H_
#define SEALFOLD_ATTEST_TPM_LOG_EVENT_LOG_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"

namespace sealfold {

inline constexpr size_t kEventLogSizeMax = 1u << 18;

struct TpmEvent {
  size_t number = 0;  // in the log, from 1; the Spec ID event that begins it is 0
  uint32_t register_index = 0;
  uint32_t type = 0;
  Bytes digest = {};  // what was extended, in the log's chosen bank
  Bytes data = {};    // what firmware says about it: not part of what was extended in general

  // EV_NO_ACTION: information that was not extended.
  bool extends() const;
  // "event 12, EV_EFI_BOOT_SERVICES_APPLICATION", with the readable part of its data.
  std::string Describe() const;
};

struct EventLog {
  uint16_t bank = 0;
  uint8_t startup_locality = 0;  // register 0 starts from it
  std::vector<TpmEvent> events = {};
};

// The log's events as bank `bank` has them. InvalidArgument, codes "event_log_*": not a
// crypto-agile log with that bank, or one that runs over, ends within an event or exceeds the
// bounds above.
absl::StatusOr<EventLog> ParseEventLog(ByteSpan bytes, uint16_t bank);

// The registers that the log's events extend, and what they lead to.
std::map<uint32_t, Bytes> ReplayEventLog(const EventLog& log);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_TPM_LOG_EVENT_LOG_H_
