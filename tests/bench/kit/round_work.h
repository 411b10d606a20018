// What a round does with its bytes besides moving them, piece by piece, each alone on one core and
// with what it needs in front of it: no round with this code goes below.
#ifndef SEALFOLD_TESTS_BENCH_KIT_ROUND_WORK_H_
#define SEALFOLD_TESTS_BENCH_KIT_ROUND_WORK_H_

#include <cstdint>

#include "absl/status/statusor.h"

namespace sealfold::bench {

// Processor seconds, for F32 updates of so many elements.
struct RoundWork {
  double check = 0;    // each participant's, of every element
  double seal = 0;     // the same
  double staging = 0;  // the copy of every sealed chunk to where it waits
  double fold = 0;     // opening, checking and summing
  double publish = 0;  // base model and new one hashed, the base known again, the mean
  double starts = 0;   // of the participants' programs, which do nothing then

  double Sum() const { return check + seal + staging + fold + publish + starts; }
};
// `staged`: how many updates wait at once.
absl::StatusOr<RoundWork> MeasureRoundWork(uint64_t participants, uint64_t staged,
                                           uint64_t elements);

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_KIT_ROUND_WORK_H_
