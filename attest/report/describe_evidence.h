// What evidence says, without judging it.
#ifndef SEALFOLD_ATTEST_REPORT_DESCRIBE_EVIDENCE_H_
#define SEALFOLD_ATTEST_REPORT_DESCRIBE_EVIDENCE_H_

#include "absl/status/statusor.h"
#include "protocol/base/bytes.h"
#include "protocol/program/description.h"

namespace sealfold {

// An attestation document's claims; NOTHING of it is verified, and the headline says so.
// InvalidArgument for bytes that are no document of a platform's.
absl::StatusOr<Description> DescribeEvidence(ByteSpan document);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_REPORT_DESCRIBE_EVIDENCE_H_
