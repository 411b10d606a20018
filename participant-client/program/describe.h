// Files explained field by field, for `inspect`.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_PROGRAM_DESCRIBE_H_
#define SEALFOLD_PARTICIPANT_CLIENT_PROGRAM_DESCRIBE_H_

#include <string>

#include "absl/status/statusor.h"
#include "participant-client/policy/policy.h"
#include "protocol/base/bytes.h"
#include "protocol/model/safetensors.h"
#include "protocol/plan/plan.h"
#include "protocol/program/description.h"
#include "protocol/record/record.h"

namespace sealfold {

Description DescribePlan(const SignedPlan& plan);
Description DescribeRecord(const RecordFile& file);
Description DescribeReceipt(const ReceiptProof& proof);
Description DescribeSafetensors(const SafetensorsHeader& header, uint64_t size_bytes);
Description DescribePolicy(const Policy& policy);
// A key file (public parts only) or a public key file.
absl::StatusOr<Description> DescribeKey(const std::string& path, absl::string_view text);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_PROGRAM_DESCRIBE_H_
