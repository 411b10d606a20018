// The system's clock that only rises, for the parts around the state machines.
#ifndef SEALFOLD_PROTOCOL_PROGRAM_STEADY_CLOCK_H_
#define SEALFOLD_PROTOCOL_PROGRAM_STEADY_CLOCK_H_

#include <chrono>
#include <cstdint>

namespace sealfold {

// Milliseconds since some time: for timeouts.
inline uint64_t SteadyMs() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_PROGRAM_STEADY_CLOCK_H_
