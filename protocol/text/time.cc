#include "protocol/text/time.h"

#include "absl/time/time.h"

namespace sealfold {

std::string TimeTextOfSeconds(int64_t time_s) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::FromUnixSeconds(time_s), absl::UTCTimeZone());
}

std::string TimeTextOfMillis(uint64_t time_ms) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ",
                          absl::FromUnixMillis(static_cast<int64_t>(time_ms)), absl::UTCTimeZone());
}

std::optional<uint64_t> ParseTimeMillis(absl::string_view text) {
  absl::Time time;
  std::string error;
  // The library takes words for the ends of time too.
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error) || time < absl::UnixEpoch() ||
      time == absl::InfiniteFuture()) {
    return std::nullopt;
  }
  return static_cast<uint64_t>(absl::ToUnixMillis(time));
}

}  // namespace sealfold
