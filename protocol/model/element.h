// One element of a tensor as a number, and back: exact, and the same on every machine.
#ifndef SEALFOLD_PROTOCOL_MODEL_ELEMENT_H_
#define SEALFOLD_PROTOCOL_MODEL_ELEMENT_H_

#include <cstdint>

#include "protocol/model/tensor.h"

namespace sealfold {

// The value of the little-endian element at `element`, exactly. NaN and infinities keep being such.
double ReadElement(Dtype dtype, const uint8_t* element);

// Writes `value` rounded once to `dtype`, to nearest and ties to even, subnormals included; what is
// beyond the dtype becomes its infinity, NaN a quiet NaN. Never by way of another format: double to
// float to BF16 would round twice.
void WriteElement(Dtype dtype, double value, uint8_t* element);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_MODEL_ELEMENT_H_
