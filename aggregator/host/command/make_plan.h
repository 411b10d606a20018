// `sealfold-coordinator plan`: from what a person wrote to the files that a run starts from.
#ifndef SEALFOLD_AGGREGATOR_HOST_COMMAND_MAKE_PLAN_H_
#define SEALFOLD_AGGREGATOR_HOST_COMMAND_MAKE_PLAN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "protocol/plan/plan.h"

namespace sealfold {

struct MakePlanOptions {
  std::string plan_json;                       // path
  std::string key;                             // path of the coordinator's key file
  std::string model;                           // path of the initial model, safetensors
  std::vector<std::string> participant_files;  // paths of public key files, added to the plan's own
  std::string out;                             // path of the signed plan; its folder is the run's
};

struct MadePlan {
  SignedPlan plan;
  std::string model_path;             // model-0.safetensors beside the plan
  std::vector<std::string> warnings;  // for people
};

// Completes the plan (participants from key files, tensors and initial_model from the model,
// staging_bytes_max), checks it, writes the model in its canonical layout, then the signed plan.
// Errors: those of ParsePlanJson, CheckPlan, key files and SafetensorsHeader; "model_mismatch" (the
// model lacks or adds tensors, or is not the plan's initial_model), "model_not_finite",
// "run_exists" (the folder has a run already).
absl::StatusOr<MadePlan> MakePlan(const MakePlanOptions& options);

// What the author should know before others sign up to it; empty when all is well. `model_largest`:
// the greatest absolute value in the initial model.
std::vector<std::string> PlanWarnings(const Plan& plan, double model_largest);

}  // namespace sealfold

#endif  // SEALFOLD_AGGREGATOR_HOST_COMMAND_MAKE_PLAN_H_
