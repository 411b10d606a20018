// How an update's elements become bytes where they do not go as they are (docs/PROTOCOL.md,
// "Compressed updates"): in blocks of a fixed number of elements and of a fixed number of bytes, so
// that an update's size follows from the plan and tells nothing.
#ifndef SEALFOLD_PROTOCOL_MODEL_ENCODING_H_
#define SEALFOLD_PROTOCOL_MODEL_ENCODING_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "protocol/model/dtype.h"

namespace sealfold {

enum class EncodingKind {
  kInt8Blocks,  // a scale for each block, and an integer from -127 to 127 for each element
  kTopK,        // of each block the elements of greatest size, with their places
};
absl::Span<const char* const> CborEnumNames(EncodingKind);  // "int8_blocks", "top_k"

inline constexpr uint64_t kBlockElementsMin = 32;
inline constexpr uint64_t kBlockElementsMax = 65536;  // a place in a block has two bytes

struct UpdateEncoding {
  EncodingKind kind = EncodingKind::kInt8Blocks;
  uint64_t block_elements = 64;       // a power of two within the bounds above
  std::optional<uint64_t> kept = {};  // top_k only: elements of each block, 1 to block_elements

  template <class V>
  void Fields(V& v) {
    v("kind", kind);
    v("block_elements", block_elements);
    v("kept", kept);
  }
  bool operator==(const UpdateEncoding&) const = default;

  // Elements that a block of `elements` (a tensor's last one may have fewer) carries.
  uint64_t carried(uint64_t elements) const;
  // Bytes of such a block.
  uint64_t block_bytes(Dtype dtype, uint64_t elements) const;
};

// Every bound named above, and that a block of any dtype fits into a chunk. BadInput
// "encoding_block_elements", "encoding_kept", "encoding_block_bytes".
absl::Status CheckUpdateEncoding(const UpdateEncoding& encoding, uint64_t chunk_bytes);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_MODEL_ENCODING_H_
