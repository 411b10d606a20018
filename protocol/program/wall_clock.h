// The system's clock, for programs, as steady_clock.h is.
#ifndef SEALFOLD_PROTOCOL_PROGRAM_WALL_CLOCK_H_
#define SEALFOLD_PROTOCOL_PROGRAM_WALL_CLOCK_H_

#include <chrono>
#include <cstdint>

namespace sealfold {

// Milliseconds since 1970, UTC: what evidence's and signatures' times are compared with. In an
// enclave the host sets it.
inline uint64_t WallMs() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                   std::chrono::system_clock::now().time_since_epoch())
                                   .count());
}

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_PROGRAM_WALL_CLOCK_H_
