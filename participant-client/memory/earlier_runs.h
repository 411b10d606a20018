// What a participant's state folder knows of other runs than the one under way.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_MEMORY_EARLIER_RUNS_H_
#define SEALFOLD_PARTICIPANT_CLIENT_MEMORY_EARLIER_RUNS_H_

#include <string>

#include "protocol/base/types.h"

namespace sealfold {

// Whether the last record that was verified in another run than `plan`'s is by the aggregator of
// this identity. For people to read: it decides nothing, and a memory that cannot be read is passed
// over.
bool SeenInAnotherRun(const std::string& state_dir, const Digest& plan,
                      const SigningPublicKey& identity);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_MEMORY_EARLIER_RUNS_H_
