// Whole rounds over loopback as real processes: a coordinator, an aggregator, and a program for
// each participant that submits the same update.
#ifndef SEALFOLD_TESTS_BENCH_KIT_SUBMITTED_ROUNDS_H_
#define SEALFOLD_TESTS_BENCH_KIT_SUBMITTED_ROUNDS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/federation/federation.h"
#include "participant-client/net/link.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold::bench {

struct RoundShape {
  size_t participants = 10;
  uint64_t elements = 0;      // of the model, F32
  uint64_t staged_bytes = 0;  // the plan's staging_bytes_max; 0: what the plan tool chooses
  // Open all the while and saying nothing; what they cost is measured for so long before the round.
  uint64_t idle_connections = 0;
  double idle_seconds = 0;
};

struct RoundFacts {
  double seconds = 0;      // from the start of the participants' programs to the signed record
  double cpu_seconds = 0;  // of the participants, the coordinator and the aggregator meanwhile
  uint64_t aggregator_peak_bytes = 0;  // VmHWM
  // Of the coordinator: in memory before the idle connections came, more with them, and how much of
  // a core they took. All 0 where there were none.
  uint64_t coordinator_bytes = 0;
  uint64_t idle_bytes = 0;
  double idle_cpu_share = 0;
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
  // They last as long as what is returned.
  absl::StatusOr<std::vector<std::unique_ptr<Link>>> OpenIdle(Federation& federation,
                                                              RoundFacts& facts) const;

  const RoundShape shape_;
  TempDir directory_;
  std::string initial_;  // of zeros
  std::string update_;
};

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_KIT_SUBMITTED_ROUNDS_H_
