// Whole rounds over loopback as real processes: a coordinator, an aggregator, and a program for
// each participant that submits the same update.
#ifndef SEALFOLD_TESTS_BENCH_KIT_SUBMITTED_ROUNDS_H_
#define SEALFOLD_TESTS_BENCH_KIT_SUBMITTED_ROUNDS_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "examples/federation/federation.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold::bench {

struct RoundShape {
  size_t participants = 10;
  uint64_t elements = 0;      // of the model, F32
  uint64_t staged_bytes = 0;  // the plan's staging_bytes_max; 0: what the plan tool chooses
};

struct RoundFacts {
  double seconds = 0;      // from the start of the participants' programs to the signed record
  double cpu_seconds = 0;  // of the participants, the coordinator and the aggregator meanwhile
  uint64_t aggregator_peak_bytes = 0;  // VmHWM
};

class SubmittedRounds {
 public:
  explicit SubmittedRounds(RoundShape shape) : shape_(shape) {}

  std::string Path(const std::string& name) const { return directory_.Path(name); }

  // One round of a new federation.
  absl::StatusOr<RoundFacts> Once();

 private:
  absl::Status WriteModels();
  absl::StatusOr<Federation> Prepare();
  absl::Status SubmitAll(Federation& federation);

  const RoundShape shape_;
  TempDir directory_;
  std::string initial_;  // of zeros
  std::string update_;
};

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_KIT_SUBMITTED_ROUNDS_H_
