// Whether tensor elements are what a plan allows.
#ifndef SEALFOLD_PARTICIPANT_CLIENT_UPDATE_ELEMENT_CHECK_H_
#define SEALFOLD_PARTICIPANT_CLIENT_UPDATE_ELEMENT_CHECK_H_

#include <cstdint>
#include <optional>

#include "protocol/base/bytes.h"
#include "protocol/model/tensor.h"

namespace sealfold {

enum class ElementFault { kNan, kInfinity, kOutOfRange };

struct ElementFinding {
  uint64_t index;  // of the element in `elements`
  ElementFault fault;
};

// The first of the raw little-endian `elements` that is not finite or not within [-range, range].
// Requires: elements.size() is a multiple of the dtype's; range finite and >= 0.
std::optional<ElementFinding> FindElementFault(Dtype dtype, ByteSpan elements, double range);

}  // namespace sealfold

#endif  // SEALFOLD_PARTICIPANT_CLIENT_UPDATE_ELEMENT_CHECK_H_
