// Plans as people write them: whatever is read and passes CheckPlan is the same when written and
// read again.
#include <cstddef>
#include <cstdint>

#include "protocol/base/error.h"
#include "protocol/plan/plan_json.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const sealfold::ByteSpan input(data, size);
  const absl::StatusOr<sealfold::PlanDraft> draft =
      sealfold::ParsePlanJson(sealfold::AsText(input), "plan");
  if (!draft.ok() || !sealfold::CheckPlan(draft->plan).ok()) return 0;
  const absl::StatusOr<sealfold::PlanDraft> again =
      sealfold::ParsePlanJson(sealfold::PlanToJson(draft->plan), "again");
  SEALFOLD_CHECK(again.ok() && again->plan == draft->plan);
  return 0;
}
