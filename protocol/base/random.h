// The system's randomness. For programs and tests only: protocol and round logic take what was
// drawn here as arguments, so that any run can be replayed.
#ifndef SEALFOLD_PROTOCOL_BASE_RANDOM_H_
#define SEALFOLD_PROTOCOL_BASE_RANDOM_H_

#include "protocol/base/secret.h"
#include "protocol/base/types.h"

namespace sealfold {

void FillRandom(MutableByteSpan out);
Secret RandomSecret(size_t size_bytes);
SessionNonce RandomNonce();

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_BASE_RANDOM_H_
