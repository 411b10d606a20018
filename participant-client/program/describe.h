// Files explained field by field, for `inspect`.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_PROGRAM_DESCRIBE_H_
#define SEALFOLD_PARTICIPANT_CLIENT_PROGRAM_DESCRIBE_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "participant-client/policy/policy.h"
#include "protocol/base/bytes.h"
#include "protocol/model/safetensors.h"
#include "protocol/plan/plan.h"
#include "protocol/record/record.h"

namespace sealfold {

struct Field {
  std::string name;
  nlohmann::ordered_json value;
  std::string meaning;  // for people
};

struct Description {
  std::string kind;      // stable: "plan", "record", ...
  std::string headline;  // for people; says also what was checked and what was not
  std::vector<Field> fields;
};

Description DescribePlan(const SignedPlan& plan);
Description DescribeRecord(const RecordFile& file);
Description DescribeReceipt(const ReceiptProof& proof);
// An attestation document's claims; nothing of it is verified.
absl::StatusOr<Description> DescribeEvidence(ByteSpan document);
Description DescribeSafetensors(const SafetensorsHeader& header, uint64_t size_bytes);
Description DescribePolicy(const Policy& policy);
// A key file (public parts only) or a public key file.
absl::StatusOr<Description> DescribeKey(const std::string& path, absl::string_view text);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_PROGRAM_DESCRIBE_H_
