// Runs a script of peers/ and reads the seconds it measured.
#ifndef SEALFOLD_TESTS_BENCH_KIT_PEER_H_
#define SEALFOLD_TESTS_BENCH_KIT_PEER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "tests/bench/bench.h"

namespace sealfold::bench {

struct PeerSeconds {
  Samples seconds;
  std::string library;  // name and version of what did the work
};

// peers/`script` with Debian's Python and these arguments; Unavailable ("peer_failed") with what it
// said where it cannot be run.
absl::StatusOr<PeerSeconds> RunPeer(const std::string& script, std::vector<std::string> arguments);

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_KIT_PEER_H_
