// Updates that follow from who makes them and for which round, so that the right model of a round
// is known.
#ifndef SEALFOLD_TESTS_E2E_KNOWN_UPDATE_H_
#define SEALFOLD_TESTS_E2E_KNOWN_UPDATE_H_

#include <cstdint>
#include <vector>

namespace sealfold {

inline constexpr float kKnownRange = 1.0f;

// Element i of participant p's update of this round, within [-kKnownRange, kKnownRange].
inline float KnownElement(uint64_t participant, uint64_t round, uint64_t i) {
  uint64_t x = (participant * 1'000'003 + round) * 1'000'003 + i;  // splitmix64
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  x ^= x >> 31;
  return static_cast<float>(static_cast<int64_t>(x % 2'000'001) - 1'000'000) / 1'000'000.0f;
}

inline uint64_t KnownWeight(uint64_t participant) { return 10 * (participant + 1); }

}  // namespace sealfold

#endif  // SEALFOLD_TESTS_E2E_KNOWN_UPDATE_H_
