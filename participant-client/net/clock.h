// The system's clocks, for the parts around the state machines.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_NET_CLOCK_H_
#define SEALFOLD_PARTICIPANT_CLIENT_NET_CLOCK_H_

#include <chrono>
#include <cstdint>

namespace sealfold {

// Milliseconds since 1970, UTC: what evidence's times are compared with.
inline uint64_t WallMs() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count());
}

// Milliseconds that only rise: for timeouts.
inline uint64_t SteadyMs() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_NET_CLOCK_H_
