// One federated study as real processes: split, federation, rounds, scores.
#ifndef SEALFOLD_EXAMPLES_HOSPITALS_DEMO_STUDY_RUN_H_
#define SEALFOLD_EXAMPLES_HOSPITALS_DEMO_STUDY_RUN_H_

#include <array>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "examples/federation/federation.h"
#include "examples/hospitals/data/split.h"
#include "examples/hospitals/demo/screen.h"
#include "examples/hospitals/learn/metrics.h"

namespace sealfold::hospitals {

struct StudySetup {
  std::string programs;   // folder of all programs
  std::string data;       // folder with wdbc.csv and plan.json
  std::string directory;  // exists, empty; everything is written below it
  uint64_t seed = 1;
};

struct StudyResult {
  std::array<Metrics, kHospitals> alone;
  Metrics federated;
  Metrics pooled;
  std::string model;                 // path of the last published model
  std::vector<std::string> records;  // paths, in order of rounds
  FederationSetup federation;        // how it was set up, for more of the same
  std::string caveat;  // on the evidence that the hospitals accepted, as their clients told it
  std::string update;  // path of an update that the first hospital would submit
};

// Runs the study to its end. While it runs, `screen` shows each hospital's verdict on the evidence
// and a line per round.
absl::StatusOr<StudyResult> RunStudy(const StudySetup& setup, Screen& screen);

}  // namespace sealfold::hospitals

#endif  // SEALFOLD_EXAMPLES_HOSPITALS_DEMO_STUDY_RUN_H_
