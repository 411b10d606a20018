// Three things that must not pass, each really tried: the demonstration's second half.
#ifndef SEALFOLD_EXAMPLES_HOSPITALS_DEMO_REFUSALS_H_
#define SEALFOLD_EXAMPLES_HOSPITALS_DEMO_REFUSALS_H_

#include <string>

#include "absl/status/status.h"
#include "examples/federation/federation.h"
#include "examples/hospitals/demo/screen.h"

namespace sealfold::hospitals {

// A refusal: what a program said when it refused, and its exit code.
struct Refusal {
  std::string said;  // stderr
  int exit_code = 0;
};

// `setup` is that of an honest federation; each refusal builds its own beside it, in
// setup.directory. `update` is an update that a participant would submit.
//
// An aggregator whose binary differs in one byte; a published model with one bit changed (`model`
// and the record files of its run, verified under `policy`); a plan whose quorum is below the
// policy's.
absl::StatusOr<Refusal> RefuseChangedAggregator(FederationSetup setup, const std::string& update);
absl::StatusOr<Refusal> RefuseChangedModel(const FederationSetup& setup, const std::string& model,
                                           const std::vector<std::string>& records,
                                           const std::string& policy);
absl::StatusOr<Refusal> RefuseWeakPlan(FederationSetup setup, const std::string& update);

}  // namespace sealfold::hospitals

#endif  // SEALFOLD_EXAMPLES_HOSPITALS_DEMO_REFUSALS_H_
