// Draws that depend on the seeds alone: the same on every machine and standard library.
//
// The standard fixes what std::mt19937_64 and std::seed_seq give, but not what its distributions
// and std::shuffle make of it; so these do their own arithmetic, in integers. Not for secrets.
#ifndef SEALFOLD_EXAMPLES_HOSPITALS_DATA_DRAWS_H_
#define SEALFOLD_EXAMPLES_HOSPITALS_DATA_DRAWS_H_

#include <cstdint>
#include <initializer_list>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "protocol/base/error.h"

namespace sealfold::hospitals {

class Draws {
 public:
  // A stream of its own for each list of seeds.
  Draws(std::initializer_list<uint64_t> seeds) {
    std::vector<uint32_t> words;
    for (const uint64_t seed : seeds) {
      words.push_back(static_cast<uint32_t>(seed));
      words.push_back(static_cast<uint32_t>(seed >> 32));
    }
    std::seed_seq sequence(words.begin(), words.end());
    generator_.seed(sequence);
  }

  // Uniform in [0, bound). Requires: bound >= 1.
  uint64_t Below(uint64_t bound) {
    SEALFOLD_CHECK(bound >= 1);
    // The numbers below the greatest multiple of `bound`: the rest would favour small results.
    const uint64_t max = std::numeric_limits<uint64_t>::max();
    const uint64_t accepted_max = max - (max % bound + 1) % bound;
    uint64_t drawn = generator_();
    while (drawn > accepted_max) {
      drawn = generator_();
    }
    return drawn % bound;
  }

  // Puts `items` into an order drawn uniformly (Fisher and Yates).
  template <typename T>
  void Shuffle(std::vector<T>& items) {
    for (size_t left = items.size(); left > 1; --left) {
      std::swap(items[left - 1], items[Below(left)]);
    }
  }

 private:
  std::mt19937_64 generator_;
};

}  // namespace sealfold::hospitals

#endif  // SEALFOLD_EXAMPLES_HOSPITALS_DATA_DRAWS_H_
