#include "participant-client/session/receipt_check.h"

#include <algorithm>
#include <string>

#include "absl/strings/str_cat.h"
#include "protocol/base/error.h"

namespace sealfold {
namespace {

absl::Status Differs(absl::string_view field, std::string expected, std::string found) {
  return Refused({.code = absl::StrCat("receipt_", field),
                  .what = absl::StrCat("receipt: ", field),
                  .expected = std::move(expected),
                  .found = std::move(found),
                  .advice = "this receipt is not for the update that was sent; do not rely on it"});
}

}  // namespace

absl::StatusOr<LogEntry> CheckReceipt(ByteSpan receipt, const ReceiptTerms& terms) {
  SEALFOLD_ASSIGN_OR_RETURN(LogEntry entry, OpenReceipt(receipt, terms.binding.record_key));
  if (entry.plan != terms.binding.plan) {
    return Differs("plan", terms.binding.plan.hex(), entry.plan.hex());
  }
  if (entry.round != terms.binding.round) {
    return Differs("round", absl::StrCat(terms.binding.round.value()),
                   absl::StrCat(entry.round.value()));
  }
  if (entry.attempt != terms.binding.attempt) {
    return Differs("attempt", absl::StrCat(terms.binding.attempt.value()),
                   absl::StrCat(entry.attempt.value()));
  }
  if (entry.participant != terms.participant) {
    return Differs("participant", terms.participant.hex(), entry.participant.hex());
  }
  if (std::count(terms.headers.begin(), terms.headers.end(), entry.header) == 0) {
    return Differs("header", "a header signed in this attempt", entry.header.hex());
  }
  if (entry.tags != terms.tags) return Differs("tags", terms.tags.hex(), entry.tags.hex());
  return entry;
}

}  // namespace sealfold
