// The joint statistics: what is published of both hospitals' patients, and what is withheld.
#ifndef SEALFOLD_EXAMPLES_TWO_HOSPITALS_STATISTICS_H_
#define SEALFOLD_EXAMPLES_TWO_HOSPITALS_STATISTICS_H_

#include <nlohmann/json_fwd.hpp>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "examples/two-hospitals/agreement.h"
#include "examples/two-hospitals/patients.h"

namespace sealfold::two_hospitals {

// For each group: patients, and of each measure mean and standard deviation. Between the groups: of
// each measure Welch's t, its degrees of freedom, and the effect size (Cohen's d). Within the
// groups, pooled: correlations of the measures. Numbers have six digits.
//
// A group that has fewer than agreement.smallest_group patients at any one hospital is withheld,
// and with it whatever the other group could be found from together with it: comparisons and
// correlations. It is the hospital, not the sum, that counts: of the joint numbers each hospital
// can take away its own. PermissionDenied ("groups_too_small") where no group is left.
absl::StatusOr<nlohmann::ordered_json> JointStatistics(const Agreement& agreement,
                                                       absl::Span<const Groups> hospitals);

}  // namespace sealfold::two_hospitals

#endif  // SEALFOLD_EXAMPLES_TWO_HOSPITALS_STATISTICS_H_
