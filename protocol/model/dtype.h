// What a tensor's elements are.
#ifndef SEALFOLD_PROTOCOL_MODEL_DTYPE_H_
#define SEALFOLD_PROTOCOL_MODEL_DTYPE_H_

#include <cstddef>

#include "absl/types/span.h"

namespace sealfold {

enum class Dtype { kF32, kF16, kBf16 };  // safetensors' F32, F16, BF16; little-endian

size_t DtypeSizeBytes(Dtype dtype);
absl::Span<const char* const> CborEnumNames(Dtype);  // "F32", "F16", "BF16"
const char* DtypeName(Dtype dtype);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_MODEL_DTYPE_H_
