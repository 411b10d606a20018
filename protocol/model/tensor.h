// Tensors as a plan names them, and the two byte layouts that follow from their list: a model file
// and an update's payload.
#ifndef SEALFOLD_PROTOCOL_MODEL_TENSOR_H_
#define SEALFOLD_PROTOCOL_MODEL_TENSOR_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "protocol/base/bytes.h"
#include "protocol/model/dtype.h"
#include "protocol/model/encoding.h"

namespace sealfold {

struct TensorSpec {
  // 1 to 256 bytes of UTF-8 without control characters, '"' and '\'; not "__metadata__"; unique in
  // a list.
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<uint64_t> shape;  // row-major; empty is a scalar

  template <class V>
  void Fields(V& v) {
    v("name", name);
    v("dtype", dtype);
    v("shape", shape);
  }
  bool operator==(const TensorSpec&) const = default;

  uint64_t elements() const;    // product of shape; requires that CheckTensors passed
  uint64_t size_bytes() const;  // elements() * DtypeSizeBytes(dtype)
};

inline constexpr size_t kTensorsMax = 4096;
inline constexpr size_t kTensorNameBytesMax = 256;
inline constexpr size_t kTensorDimensionsMax = 64;             // NumPy's and PyTorch's own limit
inline constexpr uint64_t kModelBytesMax = uint64_t{1} << 40;  // 1 TiB

// The bounds above: names, at least one tensor, no empty tensor, total within kModelBytesMax.
// BadInput with code "tensors_*" or "tensor_*" otherwise.
absl::Status CheckTensors(absl::Span<const TensorSpec> tensors);

// Where each tensor's elements lie in an update's payload: in the plan's order, each starting at a
// multiple of 64 bytes, zero bytes between. So no element straddles a chunk whose size is a
// multiple of 64. With an encoding, a tensor's place holds blocks instead of elements, none of
// which straddles a chunk (protocol/model/block_layout.h). And where they lie in a sum of 64-bit
// numbers: every tensor, and so every chunk, starts at a multiple of 64 bytes of that too; what is
// between stays zero.
struct PayloadLayout {
  struct Part {
    Dtype dtype;
    uint64_t offset_bytes;  // in the payload, a multiple of 64
    uint64_t elements;
    uint64_t element_first;  // its first element's place in the sum, a multiple of 8
  };
  std::vector<Part> parts;
  uint64_t size_bytes = 0;                 // of the payload: the last tensor's end, not padded
  uint64_t sum_elements = 0;               // of a sum: the last tensor's end in it
  std::optional<UpdateEncoding> encoding;  // none: elements as they are
  uint64_t chunk_bytes = 0;                // with an encoding only

  // Elements as they are. Requires: CheckTensors(tensors).ok().
  static PayloadLayout Of(absl::Span<const TensorSpec> tensors);
  // Requires: CheckTensors, and CheckUpdateEncoding if there is one.
  static PayloadLayout Of(absl::Span<const TensorSpec> tensors,
                          const std::optional<UpdateEncoding>& encoding, uint64_t chunk_bytes);
};

// The canonical safetensors header of a model with these tensors: what the aggregator publishes
// starts with exactly these bytes (8-byte length, JSON without spaces, tensors in the plan's order,
// padded with spaces to a multiple of 8), and the tensors follow in the plan's order without gaps.
// Requires: CheckTensors(tensors).ok().
Bytes ModelFileHeader(absl::Span<const TensorSpec> tensors);

// ModelFileHeader's length plus all tensors' bytes.
uint64_t ModelFileSizeBytes(absl::Span<const TensorSpec> tensors);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_MODEL_TENSOR_H_
