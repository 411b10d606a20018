// What a key asks of evidence, in KMS's words (see ../README.md).
#ifndef SEALFOLD_ATTEST_KEYBROKER_DEMAND_CONDITIONS_H_
#define SEALFOLD_ATTEST_KEYBROKER_DEMAND_CONDITIONS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "attest/verifier.h"

namespace sealfold {

struct Condition {
  std::string key = {};                  // "kms:RecipientAttestation:PCR0"
  std::vector<std::string> values = {};  // lower-case hex; any one of them
  template <class V>
  void Fields(V& v) {
    v("key", key);
    v("values", values);
  }
};

enum class EvidenceKind { kEnclave, kNitroTpm };

// Conditions as a verifier takes them.
struct EvidenceDemand {
  EvidenceKind kind = EvidenceKind::kEnclave;
  std::vector<ReferenceValues> references = {};  // any one set must match wholly
};

// Requires nothing of `conditions`. InvalidArgument with one of the codes
//   conditions_empty, condition_unknown, condition_doubled, condition_value, conditions_mixed (both
//   kinds), conditions_contrary (ImageSha384 and PCR0 that share no value),
//   conditions_too_many (more than 256 sets of registers fit)
absl::StatusOr<EvidenceDemand> ReadConditions(absl::Span<const Condition> conditions);

// The conditions that evidence of `kind` with these registers meets, and no other's.
std::vector<Condition> ConditionsFor(EvidenceKind kind, const std::map<uint32_t, Bytes>& registers);

// Adds what "KEY=VALUE" says; a key that is there gets one more value. InvalidArgument,
// code "condition_malformed".
absl::Status AddCondition(absl::string_view text, std::vector<Condition>& conditions);

}  // namespace sealfold

#endif  // SEALFOLD_ATTEST_KEYBROKER_DEMAND_CONDITIONS_H_
