// safetensors files (huggingface/safetensors' format): strict reading of what PyTorch, NumPy and
// JAX write, and writing.
#ifndef SEALFOLD_PROTOCOL_MODEL_SAFETENSORS_H_
#define SEALFOLD_PROTOCOL_MODEL_SAFETENSORS_H_

#include <map>
#include <string>
#include <vector>

#include "protocol/model/mapped_file.h"  // what a file is read through
#include "protocol/model/tensor.h"

namespace sealfold {

inline constexpr uint64_t kSafetensorsHeaderBytesMax = 16 << 20;
inline constexpr size_t kSafetensorsMetadataMax = 4096;  // entries

// A header, read. Keys may come in any order. Refused, as BadInput with code "safetensors_*" or one
// of CheckTensors: a header longer than 16 MiB, JSON that is not an object or has doubled or
// unknown keys, a dtype other than F32, F16 and BF16, offsets that overlap, leave gaps, or do not
// fit shape or file, a list that does not pass CheckTensors. Tensors are listed in the order in
// which their data lies.
struct SafetensorsHeader {
  struct Entry {
    TensorSpec spec;
    uint64_t offset_bytes;  // from the start of the file
  };
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;  // "__metadata__"
  uint64_t size_bytes = 0;                      // header with its length field: where data starts

  // `file` is the whole file or at least its header; `file_size_bytes` the whole file's size.
  static absl::StatusOr<SafetensorsHeader> Parse(ByteSpan file, uint64_t file_size_bytes);
  const Entry* Find(absl::string_view name) const;
};

// Header bytes for `tensors` in this order with `metadata` (for updates; a model has none): its
// length field, the JSON, padded like ModelFileHeader's. Text of `metadata` that is not UTF-8 has
// its bad bytes replaced. Requires: CheckTensors(tensors).ok().
Bytes SafetensorsHeaderBytes(absl::Span<const TensorSpec> tensors,
                             const std::map<std::string, std::string>& metadata);

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_MODEL_SAFETENSORS_H_
