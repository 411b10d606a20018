// What a fold of updates in memory could be at most: the lesser of what memory gives and what the
// core can issue, both measured in the run that the fold is measured in.
//
// Memory: the updates' bytes at the speed of reading, and the sum's 16 bytes an element (read and
// written) at that of changing memory in place. Instructions: those that the loop cannot do without
// are counted by hand, not by a counter of the processor, which virtual machines do not have; they
// go at the speed of vector instructions that only use registers.
#ifndef SEALFOLD_TESTS_BENCH_KIT_ROOFLINE_H_
#define SEALFOLD_TESTS_BENCH_KIT_ROOFLINE_H_

#include <cstdint>
#include <string>

#include "tests/bench/bench.h"

namespace sealfold::bench {

inline constexpr double kSumTrafficBytes = 2 * sizeof(int64_t);  // of an element

struct FoldShape {
  size_t updates;
  uint64_t elements;          // of the sum
  double update_bytes;        // of one update
  double vectors_an_element;  // instructions on full vectors of doubles, for one update's element
  double passes;              // over the sum, in the nearest cache
};

struct Speeds {
  Samples read;     // GB/s
  Samples change;   // GB/s, read and written counted
  Samples vectors;  // 1e9 vector instructions a second
};

struct Roofline {
  Samples rate;      // GB/s of updates, repeat by repeat
  std::string what;  // which of the two it is
};
Roofline RooflineOf(const FoldShape& shape, const Speeds& speeds);

}  // namespace sealfold::bench

#endif  // SEALFOLD_TESTS_BENCH_KIT_ROOFLINE_H_
