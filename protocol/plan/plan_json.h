// A plan as its author writes it: JSON, checked against plan.schema.json.
#ifndef SEALFOLD_PROTOCOL_PLAN_PLAN_JSON_H_
#define SEALFOLD_PROTOCOL_PLAN_PLAN_JSON_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "protocol/plan/plan.h"

namespace sealfold {

// The JSON Schema (draft 7) of plans.
absl::string_view PlanJsonSchema();

// What the author wrote, with the schema's defaults. It need not pass CheckPlan yet: what was left
// out stays empty or zero (tensors, initial_model, participants, staging_bytes_max) for the tool to
// fill in.
struct PlanDraft {
  Plan plan;  // initial_model as far as given
  bool initial_model_given = false;
  std::vector<std::string> participant_files;  // paths as written, relative to the plan's file
};

// `source` names the text in errors, which are LoadJson's and those of hex keys.
absl::StatusOr<PlanDraft> ParsePlanJson(absl::string_view text, absl::string_view source);

// The whole plan as indented JSON; ParsePlanJson gives the same plan back. Requires:
// CheckPlan(plan).ok().
std::string PlanToJson(const Plan& plan);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_PLAN_PLAN_JSON_H_
