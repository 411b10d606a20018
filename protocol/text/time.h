// Times of day as people read and write them: RFC 3339, in UTC.
#ifndef SEALFOLD_PROTOCOL_TEXT_TIME_H_
#define SEALFOLD_PROTOCOL_TEXT_TIME_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace sealfold {

// "2026-06-01T12:00:00Z" of seconds since 1970.
std::string TimeTextOfSeconds(int64_t time_s);
// "2026-06-01T12:00:00.250Z" of milliseconds since 1970.
std::string TimeTextOfMillis(uint64_t time_ms);

// Milliseconds since 1970 of an RFC 3339 time in any zone, what is finer cut off. Nothing for any
// other text, and for a time before 1970.
std::optional<uint64_t> ParseTimeMillis(absl::string_view text);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_TEXT_TIME_H_
