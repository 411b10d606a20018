// Very many small participants of one real round, as threads of this process: each a Client with a
// link of its own to the real coordinator.
#ifndef SEALFOLD_TESTS_BENCH_KIT_CROWD_H_
#define SEALFOLD_TESTS_BENCH_KIT_CROWD_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/federation/federation.h"
#include "protocol/crypto/key_file.h"
#include "protocol/testing/temp_dir.h"

namespace sealfold::bench {

struct CrowdFacts {
  double seconds = 0;                   // from when all may submit to the signed record
  std::vector<double> receipt_seconds;  // of each participant, from then to its receipt
};

class Crowd {
 public:
  // With keys for so many. Raises this process's limit of open files.
  explicit Crowd(size_t participants);

  // One round of a new federation: everybody has opened the run before the clock starts.
  absl::StatusOr<CrowdFacts> Once();

 private:
  absl::Status WriteModels();
  absl::StatusOr<Federation> Prepare() const;

  std::vector<KeyFile> keys_;
  TempDir directory_;
  std::string initial_;
  std::string update_;
};

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_KIT_CROWD_H_
