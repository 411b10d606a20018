// Whether a receipt is for exactly what this participant sent.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_SESSION_RECEIPT_CHECK_H_
#define SEALFOLD_PARTICIPANT_CLIENT_SESSION_RECEIPT_CHECK_H_

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "protocol/record/record.h"

namespace sealfold {

struct ReceiptTerms {
  const Binding& binding;  // of the verified offer
  SigningPublicKey participant;
  absl::Span<const Digest> headers;  // signed in this attempt
  Digest tags;                       // of every chunk, as computed here
};

// PermissionDenied: "receipt_plan", "receipt_round", "receipt_attempt", "receipt_participant",
// "receipt_header", "receipt_tags", or those of OpenReceipt.
absl::StatusOr<LogEntry> CheckReceipt(ByteSpan receipt, const ReceiptTerms& terms);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_SESSION_RECEIPT_CHECK_H_
