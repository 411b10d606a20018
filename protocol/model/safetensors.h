// safetensors files (huggingface/safetensors' format): strict reading of what PyTorch, NumPy and JAX write,
// and writing.
#ifndef SEALFOLD_PROTOCOL_MODEL_SAFETENSORS_H_
#define SEALFOLD_PROTOCOL_MODEL_SAFETENSORS_H_

#include <map>
#include <string>
#include <vector>

#include "protocol/model/tensor.h"

namespace sealfold {

// A header, read. Refused: a header longer than 16 MiB, JSON that is not an object or has doubled keys, an
// unknown dtype, offsets that overlap, leave gaps, or do not fit shape or file. Tensors keep the order in which
// their data lies.
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

// Header bytes for `tensors` in this order with `metadata` (for updates; a model has none).
// Requires: CheckTensors(tensors).ok().
Bytes SafetensorsHeaderBytes(absl::Span<const TensorSpec> tensors,
                             const std::map<std::string, std::string>& metadata);

// A read-only file mapped into memory; pages come and go as they are touched. Moves, does not copy.
class MappedFile {
 public:
  static absl::StatusOr<MappedFile> Open(const std::string& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();
  ByteSpan span() const { return span_; }
  // Tells the system that the first `bytes` are not needed any more, so that a long read does not fill memory.
  void DropBefore(uint64_t bytes) const;

 private:
  explicit MappedFile(ByteSpan span) : span_(span) {}
  ByteSpan span_;
};

}  // namespace sealfold

#endif  // SEALFOLD_PROTOCOL_MODEL_SAFETENSORS_H_
