#include "protocol/message/message.h"

namespace sealfold {

absl::Span<const char* const> CborEnumNames(RunPhase) {
  static constexpr const char* kNames[] = {"idle", "round", "done", "failed"};
  return kNames;
}

absl::Span<const char* const> CborEnumNames(FileKind) {
  static constexpr const char* kNames[] = {"plan", "record", "model"};
  return kNames;
}

RefusedMessage RefusedMessage::Of(const absl::Status& status) {
  Explanation e = Explain(status);
  return {
      .code = e.code, .what = e.what, .expected = e.expected, .found = e.found, .advice = e.advice};
}

absl::Status RefusedMessage::ToStatus() const {
  return Refused(
      {.code = code, .what = what, .expected = expected, .found = found, .advice = advice});
}

}  // namespace sealfold
